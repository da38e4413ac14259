"""How large the pictures are that a UNet was trained with."""

from __future__ import annotations

from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

from .sites import context_width

SIZES = {768: 512, 1024: 768, 2048: 1024}  # pixels, by width of the context: SD1.5, SD2, SDXL
MINIATURE = 128  # pixels; of UNets with a narrower context than any published one


def picture_size(unet: UNetModel) -> int:
    """The side of the square pictures that a UNet was trained with, pixels; told by the width of its text context.

    Raises:
        IncompatibleBaseModelError: if the UNet has no cross-attention.
    """
    width = context_width(unet)
    return SIZES.get(width, MINIATURE if width < min(SIZES) else max(SIZES.values()))
