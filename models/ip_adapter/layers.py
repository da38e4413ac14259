"""The attention layers of published UNets, in the order in which adapters number them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Block(NamedTuple):
    """One block of a UNet that has attention.

    Attributes:
        path: diffusers' name of the module.
        attentions: transformers in it, one behind each of its convolutions.
        depth: blocks of each transformer; every one has self-attention, then cross-attention.
    """

    path: str
    attentions: int
    depth: int


# Down, up, middle: the order of diffusers' attention processors, and of `AttentionSite.index`.
SD15 = (
    *(Block(f"down_blocks.{number}", 2, 1) for number in (0, 1, 2)),
    *(Block(f"up_blocks.{number}", 3, 1) for number in (1, 2, 3)),
    Block("mid_block", 1, 1),
)
SDXL = (
    Block("down_blocks.1", 2, 2),
    Block("down_blocks.2", 2, 10),
    Block("up_blocks.0", 3, 10),
    Block("up_blocks.1", 3, 2),
    Block("mid_block", 1, 10),
)
FAMILIES = {"SD1.5": SD15, "SDXL": SDXL}
CONTEXTS = {768: "SD1.5", 2048: "SDXL"}  # the family by the width of the text


def attention_paths(blocks: Iterable[Block]) -> tuple[str, ...]:
    """Diffusers' paths of all attention layers; the place of each is its number in published adapters."""
    return tuple(
        f"{block.path}.attentions.{attention}.transformer_blocks.{transformer}.{layer}"
        for block in blocks
        for attention in range(block.attentions)
        for transformer in range(block.depth)
        for layer in ("attn1", "attn2")
    )


def family_of(layers: int) -> str | None:
    """The family whose UNets have so many attention layers, self and cross: "SD1.5" (32), "SDXL" (140) or None."""
    return next((name for name, blocks in FAMILIES.items() if len(attention_paths(blocks)) == layers), None)
