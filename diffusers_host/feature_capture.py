"""Reading the features of a diffusers UNet while it runs, with a graph that ends there."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ..models.errors import InvalidSettingError
from ..models.port.guidance import FeatureTap


class ReachedError(Exception):
    """The tap has been read, and the rest of the UNet is not wanted."""


@dataclass(eq=False, slots=True)
class FeatureCapture:
    """What one call of the UNet leaves behind.

    Attributes:
        is_all: whether nothing else is wanted of the call, which then ends with `ReachedError`.
    """

    is_all: bool
    _features: list[Tensor] = field(init=False, default_factory=list)

    def found(self) -> Tensor:
        """Features at the tap, (B, C, h, w), with a graph where there is one."""
        [features] = self._features
        return features

    def read(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        """Forward hook: transformers give a tuple, upsamplers the tensor itself."""
        del module, args
        self._features.append(output[0] if isinstance(output, tuple) else output)
        if self.is_all:
            raise ReachedError


@contextmanager
def capture_features(
    unet: nn.Module, tap: FeatureTap, *, is_all: bool = False
) -> Generator[FeatureCapture, None, None]:
    """While it lasts, the result of one output block is kept, and no graph is built behind it.

    Args:
        unet: a UNet2DConditionModel.
        tap: which block.
        is_all: see `FeatureCapture`.

    Raises:
        InvalidSettingError: if there is no such block with another one behind it.
    """
    blocks = _output_blocks(unet)
    if not 0 <= tap.block < len(blocks) - 1:
        raise InvalidSettingError(
            f"The tap is output block {tap.block}, but this UNet has {len(blocks)}; choose one before the last."
        )
    captured = FeatureCapture(is_all)
    handles = [blocks[tap.block][-1].register_forward_hook(captured.read)]
    handles += [block[0].register_forward_pre_hook(_without_graph) for block in blocks[tap.block + 1 :]]
    try:
        yield captured
    finally:
        for handle in handles:
            handle.remove()


def _output_blocks(unet: nn.Module) -> list[tuple[nn.Module, ...]]:
    """The modules of every output block in ComfyUI's numbering: a residual block, a transformer, an upsampler."""
    found: list[tuple[nn.Module, ...]] = []
    levels: Any = unet.up_blocks
    for level in levels:
        for place, block in enumerate(level.resnets):
            transformers = getattr(level, "attentions", ())
            upsamplers = getattr(level, "upsamplers", None) or ()
            is_last = place == len(level.resnets) - 1
            found.append((block, *transformers[place : place + 1], *(upsamplers if is_last else ())))
    return found


def _without_graph(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Forward pre-hook of a residual block: what came through the blocks before and what skipped them."""
    del module
    return tuple(each.detach() if isinstance(each, torch.Tensor) else each for each in args)
