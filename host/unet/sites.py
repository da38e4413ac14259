"""The layers of a ComfyUI UNet: where attention is, how coarse each block works, and what base model they tell of."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Literal

from comfy.ldm.modules.attention import BasicTransformerBlock
from comfy.ldm.modules.diffusionmodules.openaimodel import Downsample, UNetModel, Upsample
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...models.errors import IncompatibleBaseModelError, LikenessError
from ...models.port.attention import AttentionSite
from ...models.port.guidance import FeatureCapture
from .network import network_of

# ComfyUI publishes the middle block as ("middle", 0), whatever its place in the module tree.
PLACE = re.compile(r"^(input|middle|output)_blocks?(?:\.(\d+))?\.\d+\.transformer_blocks\.(\d+)$")
STAGES = ("input", "output", "middle")
FAMILIES = {768: "SD1.5", 1024: "SD2", 2048: "SDXL"}  # by width of the context
SIZES = {768: 512, 1024: 768, 2048: 1024}  # pixels, by width of the context: SD1.5, SD2, SDXL
DEEPEST = 3  # halvings of SD1.5; SDXL has two
MINIATURE = 128  # pixels; of UNets with a narrower context than any published one

Detail = Literal["coarse", "fine"]


def unet_of(model: ModelPatcher) -> UNetModel:
    """The UNet behind a MODEL, without compiled code around it.

    Raises:
        IncompatibleBaseModelError: if the model is not an SD1.5, SD2 or SDXL style UNet.
    """
    network = network_of(model)
    if not isinstance(network, UNetModel):
        raise IncompatibleBaseModelError(
            f"This model is a {type(model.model).__name__}, which has no UNet with cross-attention; "
            "connect an SD1.5 or SDXL checkpoint (Flux, SD3 and other transformer models are not supported)."
        )
    return network


def find_sites(unet: UNetModel) -> tuple[AttentionSite, ...]:
    """All attention layers of a UNet, in the order of the published adapters.

    Returns:
        Self- and cross-attention of every transformer block, blocks in the order input, output, middle.
    """
    found: list[tuple[tuple[str, int, int], str, BasicTransformerBlock]] = []
    for path, module in unet.named_modules():
        place = PLACE.match(path)
        if place and isinstance(module, BasicTransformerBlock):
            stage, number, transformer = place.groups()
            block = (stage, 0 if stage == "middle" else int(number), int(transformer))
            found.append((block, path, module))
    found.sort(key=lambda entry: (STAGES.index(entry[0][0]), entry[0][1], entry[0][2]))
    sites: list[AttentionSite] = []
    for place, (block, path, module) in enumerate(found):
        for offset, (kind, name) in enumerate((("self", "attn1"), ("cross", "attn2"))):
            layer = getattr(module, name, None)
            if layer is not None:
                sites.append(
                    AttentionSite(
                        kind=kind,  # type: ignore[arg-type]
                        block=block,
                        index=2 * place + offset,
                        channels=layer.to_q.in_features,
                        path=f"{path}.{name}",
                    )
                )
    return tuple(sites)


def context_width(unet: UNetModel) -> int:
    """Width of the text context that the UNet's cross-attention reads."""
    for module in unet.modules():
        if isinstance(module, BasicTransformerBlock) and module.attn2 is not None:
            return module.attn2.to_k.in_features
    raise IncompatibleBaseModelError("This UNet has no cross-attention; connect an SD1.5 or SDXL checkpoint.")


def require_fit(model: ModelPatcher, widths: Mapping[int, int], context: int, *, name: str) -> None:
    """Refuse a base model of another architecture than the adapter's.

    Args:
        model: the MODEL.
        widths: C of every cross-attention layer that the adapter knows, by site index.
        context: width of the text context that the adapter was trained with.
        name: of the method, for messages.

    Raises:
        IncompatibleBaseModelError: naming what both sides are.
    """
    unet = unet_of(model)
    found = {site.index: site.channels for site in find_sites(unet) if site.kind == "cross"}
    if found != dict(widths) or context_width(unet) != context:
        raise IncompatibleBaseModelError(
            f"This {name} adapter fits a UNet with {len(widths)} cross-attention layers and a context {context} wide"
            f"{family_of(context)}, this model has {len(found)} and {context_width(unet)}{family_of(context_width(unet))}: "
            "connect a checkpoint of the architecture that the adapter was trained for."
        )


def require_width(rows: Tensor, width: int, *, name: str) -> None:
    """Refuse a text encoder of another architecture.

    Args:
        rows: what it gave, (B, L, D).
        width: D that the adapter was trained with.
        name: of the method, for messages.

    Raises:
        IncompatibleBaseModelError: naming what both sides are.
    """
    found = rows.shape[-1]
    if found != width:
        raise IncompatibleBaseModelError(
            f"This CLIP gives rows {found} wide{family_of(found)}, this {name} adapter needs {width}{family_of(width)}: connect "
            "the CLIP of a checkpoint of the architecture that the adapter was trained for."
        )


def family_of(context: int) -> str:
    """The name of a model family in brackets, by the width of its text context; empty for an unknown one."""
    return f" ({FAMILIES[context]})" if context in FAMILIES else ""


def picture_size(unet: UNetModel) -> int:
    """The side of the square pictures that a UNet was trained with, pixels; told by the width of its text context.

    Raises:
        IncompatibleBaseModelError: if the UNet has no cross-attention.
    """
    width = context_width(unet)
    return SIZES.get(width, MINIATURE if width < min(SIZES) else max(SIZES.values()))


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


def grid_at(size: tuple[int, int], level: int) -> tuple[int, int]:
    """Return the grid (h, w) of a latent (H, W) after a number of halvings."""
    return math.ceil(size[0] / 2**level), math.ceil(size[1] / 2**level)


def grid_of(told: tuple[int, ...], size: tuple[int, int], positions: int) -> tuple[int, int]:
    """Return the grid (h, w) of a layer.

    Args:
        told: what the host says of it; empty, or another one than the layer's, where it does not know.
        size: (H, W) of the latent.
        positions: L of the layer.

    Raises:
        LikenessError: if the positions are no grid of the latent.
    """
    if len(told) == 2 and told[0] * told[1] == positions:
        return told[0], told[1]
    for level in range(DEEPEST + 1):
        if math.prod(grid_at(size, level)) == positions:
            return grid_at(size, level)
    height, width = size
    shrink = math.sqrt(height * width / positions)
    grid = math.ceil(height / shrink - 1e-6), math.ceil(width / shrink - 1e-6)
    if grid[0] * grid[1] != positions:
        raise LikenessError(
            f"An attention layer has {positions} positions, which is no grid of a {height}×{width} latent; "
            "remove the node that merges or drops tokens."
        )
    return grid


def _has(block: Any, kind: type) -> bool:
    return any(isinstance(layer, kind) for layer in block)
