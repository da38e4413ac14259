"""Whole checkpoints with the published key names and a fraction of the published widths."""

from __future__ import annotations

from dataclasses import replace

import torch
from likeness.tools.weights import layouts
from likeness.tools.weights.write import fill

SD15_SHAPE = replace(layouts.SD15, widths=(32, 64, 128, 128), context=64)
SDXL_SHAPE = replace(layouts.SDXL, widths=(32, 64, 128), depths=(0, 1, 2), middle=2, context=64 + 32, label=32 + 6 * 32)
TEXT, TEXT_G = {768: 64, 3072: 256}, {1280: 32, 3840: 96, 5120: 128}
VAE = {128: 32, 256: 64, 512: 128}


def narrowed(layout, widths, layers: int = 100):
    """The layout with other widths, and of numbered layers the first few alone."""
    return {
        key: tuple(widths.get(size, size) for size in shape)
        for key, shape in layout.items()
        if not any(part.isdecimal() and int(part) >= layers for part in key.split("."))
    }


def small_layout(family: str):
    """Key names and shapes of a small checkpoint."""
    shape = SD15_SHAPE if family == "sd15" else SDXL_SHAPE
    text = narrowed(layouts.clip_text(), TEXT, 2)
    parts = {"model.diffusion_model": layouts.unet(shape), "first_stage_model": narrowed(layouts.vae(), VAE)}
    if family == "sd15":
        parts["cond_stage_model.transformer.text_model"] = text
    else:
        parts["conditioner.embedders.0.transformer.text_model"] = text
        parts["conditioner.embedders.1.model"] = narrowed(layouts.openclip_text(), TEXT_G, 2)
    return {f"{prefix}.{key}": size for prefix, layout in parts.items() for key, size in layout.items()}


def small_checkpoint(family: str):
    """Random weights of a small checkpoint, float32."""
    return fill({"": small_layout(family)}, torch.float32)[""]


def empty_checkpoint(family: str):
    """A full-size checkpoint on the meta device."""
    layout = layouts.stable_diffusion() if family == "sd15" else layouts.sdxl()
    return {key: torch.empty(shape, device="meta") for key, shape in layout.items()}
