"""ConsistentID: one person by a photo and its facial regions, or several in the corrected behaviour."""

from __future__ import annotations

from comfy_api.latest import io

from . import apply, features, load, prompt

NODES: list[type[io.ComfyNode]] = [*load.NODES, *features.NODES, *prompt.NODES, *apply.NODES]
