"""How coarse the blocks of a UNet are."""

from __future__ import annotations

from typing import Any, Literal

from comfy.ldm.modules.diffusionmodules.openaimodel import Downsample, UNetModel, Upsample

from ...models.port.guidance import FeatureCapture

Detail = Literal["coarse", "fine"]


def halvings(unet: UNetModel) -> dict[tuple[str, int], int]:
    """How often the side of the latent is halved where the attention layers of each block run, by stage and number."""
    found: dict[tuple[str, int], int] = {}
    level = 0
    for number, block in enumerate(unet.input_blocks):
        level += _has(block, Downsample)
        found["input", number] = level
    found["middle", 0] = level
    for number, block in enumerate(unet.output_blocks):
        found["output", number] = level  # a block makes its result larger at its end
        level -= _has(block, Upsample)
    return found


def choose_capture(unet: UNetModel, detail: Detail) -> FeatureCapture:
    """Where features are read.

    Args:
        unet: the network.
        detail: "coarse" at half of the latent's side: output block 5 of SD1.5 (DIFT's choice) and 2 of SDXL; "fine" at all
            of it: 8 and 5.
    """
    larger = [number for number, block in enumerate(unet.output_blocks) if _has(block, Upsample)]
    return FeatureCapture(larger[-1] if detail == "fine" or len(larger) < 2 else larger[-2])


def _has(block: Any, kind: type) -> bool:
    return any(isinstance(layer, kind) for layer in block)
