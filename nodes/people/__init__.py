"""People: who is to be in the picture, whatever the method."""

from __future__ import annotations

from comfy_api.latest import io

from . import add, chain, load_card, merge, prompt, save_card

NODES: list[type[io.ComfyNode]] = [
    *add.NODES,
    *chain.NODES,
    *merge.NODES,
    *save_card.NODES,
    *load_card.NODES,
    *prompt.NODES,
]
