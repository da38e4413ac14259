"""OmniPortrait: the pivot in the prompt, and Reference-Based Guidance."""

from __future__ import annotations

from comfy_api.latest import io

from . import guidance, load, prompt, show

NODES: list[type[io.ComfyNode]] = [*load.NODES, *prompt.NODES, *guidance.NODES, *show.NODES]
