"""OmniPortrait and Reference-Based Guidance."""

from __future__ import annotations

from comfy_api.latest import io

from . import guidance, people, prompt

NODES: list[type[io.ComfyNode]] = [
    *prompt.NODES,
    *people.NODES,
    *guidance.NODES,
]
