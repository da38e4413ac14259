"""The memory that a graph up to the captured features takes, asked for before the run; less of it where little is free."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from comfy import model_management
from comfy.ldm.modules.attention import BasicTransformerBlock
from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock, UNetModel
from torch import Tensor

from ...models.port.attention import Run
from ..unet.network import bare, type_of
from ..unet.sites import halvings, unet_of

logger = logging.getLogger(__name__)

# Values that are kept for backward at each position, in widths of the layer. Linear layers and convolutions keep nothing.
TRANSFORMER, SAVING_TRANSFORMER = 22, 13
RESIDUAL, SAVING_RESIDUAL = 4, 2
SLACK = 1.2  # for what the allocator wastes and the features, which are single tensors


def graph_bytes(
    unet: UNetModel, size: tuple[int, int], rows: int, itemsize: int, block: int, *, is_saving: bool
) -> int:
    """What the graph from the latent to the captured features holds.

    Args:
        unet: the network.
        size: (H, W) of the latent.
        rows: B.
        itemsize: bytes of one value.
        block: the output block whose features are captured.
        is_saving: whether feed-forward layers and residual blocks are computed anew in the backward pass.

    Returns:
        Bytes.
    """
    levels, values = halvings(unet), 0
    kept = (
        (BasicTransformerBlock, SAVING_TRANSFORMER if is_saving else TRANSFORMER),
        (ResBlock, SAVING_RESIDUAL if is_saving else RESIDUAL),
    )
    stages = (
        ("input", unet.input_blocks),
        ("middle", [unet.middle_block]),
        ("output", unet.output_blocks[: block + 1]),
    )
    for stage, blocks in stages:
        for number, part in enumerate(blocks):
            side = 2 ** levels[stage, number]
            positions = math.ceil(size[0] / side) * math.ceil(size[1] / side)
            for layer in part.modules():
                values += sum(count * positions * _width(layer) for kind, count in kept if isinstance(layer, kind))
    return round(values * rows * itemsize * SLACK)


def ask_for_more(
    executor: Callable[..., Any], model: Any, noise_shape: Sequence[int], *args: Any, **kwargs: Any
) -> Any:
    """Wrapper around the preparation of sampling: ComfyUI frees memory for as many more rows as the graph is large."""
    base, unet = model.model, unet_of(model)
    graph = graph_bytes(
        unet,
        (noise_shape[-2], noise_shape[-1]),
        noise_shape[0],
        type_of(base).itemsize,
        len(unet.output_blocks) - 1,
        is_saving=True,
    )
    pair = base.memory_required([2, *noise_shape[1:]])
    return executor(model, [noise_shape[0] + math.ceil(graph / pair), *noise_shape[1:]], *args, **kwargs)


def is_short(model: Any, x: Tensor, block: int, run: Run) -> bool:
    """Whether the whole graph of a latent would not fit into what is free, asked once in a run."""

    def ask() -> bool:
        size = (x.shape[-2], x.shape[-1])
        needed = graph_bytes(
            bare(model.diffusion_model), size, x.shape[0], type_of(model).itemsize, block, is_saving=False
        )
        free = _free(model, x.device)
        if needed > free:
            logger.info(
                "Guidance would take %.1f GB of the %.1f GB that are free; parts are computed twice instead",
                needed / 1e9,
                free / 1e9,
            )
        return needed > free

    return run.remember(("guidance memory", tuple(x.shape), block), ask)


def _free(model: Any, device: torch.device) -> int:
    """Bytes that can be had; under dynamic loading weights give way, and the MODEL's patcher knows how many."""
    patcher = model.current_patcher
    ask = getattr(patcher, "get_free_memory", model_management.get_free_memory)  # not in 0.3.64
    return int(ask(device))


def _width(layer: Any) -> int:
    if isinstance(layer, ResBlock):
        return (layer.channels + layer.out_channels) // 2
    return layer.norm1.normalized_shape[0]
