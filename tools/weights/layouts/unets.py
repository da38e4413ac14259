"""Layouts of UNets of the Stable Diffusion family, and of what is made for them: ControlNet and LoRA."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from .layers import Layout, conv, linear, norm, prefixed

TIME_WIDTH = 1280


@dataclass(frozen=True, slots=True, kw_only=True)
class UNetShape:
    """What tells UNets of one family apart.

    Attributes:
        widths: channels of every level; two residual blocks down and three up each.
        depths: transformer blocks after every residual block of a level.
        middle: transformer blocks between the two halves.
        context: width of the text embedding.
        linear: whether the transformers' outer projections are linear layers, not convolutions.
        label: width of the pooled text and size embedding, 0 for none.
    """

    widths: tuple[int, ...]
    depths: tuple[int, ...]
    middle: int
    context: int
    linear: bool = False
    label: int = 0

    @property
    def transformer_widths(self) -> tuple[int, ...]:
        """Channels of every transformer block in the reference's numbering: down, up, then mid.

        Each block holds one self- and one cross-attention.
        """
        levels = list(zip(self.widths, self.depths, strict=True))
        down = [width for width, depth in levels for _ in range(2 * depth)]
        up = [width for width, depth in reversed(levels) for _ in range(3 * depth)]
        return (*down, *up, *[self.widths[-1]] * self.middle)


SD15 = UNetShape(widths=(320, 640, 1280, 1280), depths=(1, 1, 1, 0), middle=1, context=768)
SDXL = UNetShape(widths=(320, 640, 1280), depths=(0, 2, 10), middle=10, context=2048, linear=True, label=2816)
NARROW_SDXL = UNetShape(widths=(320, 320, 320), depths=(0, 2, 10), middle=10, context=2048, linear=True, label=2816)


def unet(shape: UNetShape = SD15) -> Layout:
    """A UNet, keys as in the published checkpoints."""
    layout, skips = _encoder(shape)
    width, last = shape.widths[-1], len(shape.widths) - 1
    block = 0
    for level in range(last, -1, -1):
        for position in range(3):
            prefix = f"output_blocks.{block}"
            layout |= _res_block(f"{prefix}.0", width + skips.pop(), shape.widths[level])
            width = shape.widths[level]
            layout |= _transformer(f"{prefix}.1", shape, width, shape.depths[level])
            if position == 2 and level:
                layout |= conv(f"{prefix}.{1 + bool(shape.depths[level])}.conv", width, width)
            block += 1
    return {**layout, **norm("out.0", width), **conv("out.2", 4, width)}


def control_net() -> Layout:
    """A ControlNet for Stable Diffusion 1.5, keys as in the published files."""
    layout, widths = _encoder(SD15)
    for index, width in enumerate(widths):
        layout |= conv(f"zero_convs.{index}.0", width, width, 1)
    layout |= conv("middle_block_out.0", SD15.widths[-1], SD15.widths[-1], 1)
    hint_widths = (3, 16, 16, 32, 32, 96, 96, 256, 320)
    for index, (inputs, outputs) in enumerate(pairwise(hint_widths)):
        layout |= conv(f"input_hint_block.{2 * index}", outputs, inputs)
    return prefixed("control_model", layout)


def user_lora(rank: int = 4) -> Layout:
    """A LoRA of the kind that users train, on the self-attention of the down blocks, keys as kohya's scripts name them."""
    layout: Layout = {}
    for block, width in ((0, 320), (1, 640), (2, 1280)):
        for name in ("to_q", "to_k", "to_v", "to_out_0"):
            key = f"lora_unet_down_blocks_{block}_attentions_0_transformer_blocks_0_attn1_{name}"
            layout[f"{key}.lora_down.weight"] = (rank, width)
            layout[f"{key}.lora_up.weight"] = (width, rank)
    return layout


def _encoder(shape: UNetShape) -> tuple[Layout, list[int]]:
    """The encoder half and the middle block of the UNet, and the width of every skip connection."""
    first = shape.widths[0]
    layout = {**linear("time_embed.0", TIME_WIDTH, first), **linear("time_embed.2", TIME_WIDTH, TIME_WIDTH)}
    if shape.label:
        layout |= linear("label_emb.0.0", TIME_WIDTH, shape.label) | linear("label_emb.0.2", TIME_WIDTH, TIME_WIDTH)
    layout |= conv("input_blocks.0.0", first, 4)
    widths = [first]
    for level, (width, depth) in enumerate(zip(shape.widths, shape.depths, strict=True)):
        for _ in range(2):
            prefix = f"input_blocks.{len(widths)}"
            layout |= _res_block(f"{prefix}.0", widths[-1], width) | _transformer(f"{prefix}.1", shape, width, depth)
            widths.append(width)
        if level < len(shape.widths) - 1:
            layout |= conv(f"input_blocks.{len(widths)}.0.op", width, width)
            widths.append(width)
    last = widths[-1]
    layout |= _res_block("middle_block.0", last, last) | _transformer("middle_block.1", shape, last, shape.middle)
    return {**layout, **_res_block("middle_block.2", last, last)}, widths


def _res_block(key: str, inputs: int, outputs: int) -> Layout:
    layout = {**norm(f"{key}.in_layers.0", inputs), **conv(f"{key}.in_layers.2", outputs, inputs)}
    layout |= linear(f"{key}.emb_layers.1", outputs, TIME_WIDTH)
    layout |= norm(f"{key}.out_layers.0", outputs) | conv(f"{key}.out_layers.3", outputs, outputs)
    return layout if inputs == outputs else {**layout, **conv(f"{key}.skip_connection", outputs, inputs, 1)}


def _transformer(key: str, shape: UNetShape, width: int, depth: int) -> Layout:
    if not depth:
        return {}
    outer = linear if shape.linear else _pointwise
    layout = {**norm(f"{key}.norm", width), **outer(f"{key}.proj_in", width, width)}
    for index in range(depth):
        layout |= _transformer_block(f"{key}.transformer_blocks.{index}", width, shape.context)
    return {**layout, **outer(f"{key}.proj_out", width, width)}


def _pointwise(key: str, outputs: int, inputs: int) -> Layout:
    return conv(key, outputs, inputs, 1)


def _transformer_block(key: str, width: int, text: int) -> Layout:
    layout: Layout = {}
    for attention, context in (("attn1", width), ("attn2", text)):
        layout |= linear(f"{key}.{attention}.to_q", width, width, bias=False)
        layout |= linear(f"{key}.{attention}.to_k", width, context, bias=False)
        layout |= linear(f"{key}.{attention}.to_v", width, context, bias=False)
        layout |= linear(f"{key}.{attention}.to_out.0", width, width)
    layout |= linear(f"{key}.ff.net.0.proj", 8 * width, width) | linear(f"{key}.ff.net.2", width, 4 * width)
    for index in (1, 2, 3):
        layout |= norm(f"{key}.norm{index}", width)
    return layout
