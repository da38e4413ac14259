"""What newer versions of ComfyUI's node interface know and the oldest supported one does not."""

from __future__ import annotations

import inspect
from typing import Any

from comfy_api.latest import io


def _knows(what: type, name: str) -> bool:
    return name in inspect.signature(what).parameters


# For the widgets that are rarely touched; Nodes 2.0 folds them away.
ADVANCED: dict[str, Any] = {"advanced": True} if _knows(io.Float.Input, "advanced") else {}


def found_by(*words: str) -> dict[str, Any]:
    """Words by which the node search finds a node, where it knows such words."""
    return {"search_aliases": list(words)} if _knows(io.Schema, "search_aliases") else {}
