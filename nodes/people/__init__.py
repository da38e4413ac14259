"""People: who is to be in the picture, whatever the method."""

from __future__ import annotations

from comfy_api.latest import io

from . import add, cards, chain, merge, prompt

NODES: list[type[io.ComfyNode]] = [*add.NODES, *chain.NODES, *merge.NODES, *cards.NODES, *prompt.NODES]
