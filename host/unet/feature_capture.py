"""Reading the features of a UNet while it runs, with a graph that ends there or not at all beyond."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from comfy.ldm.modules.attention import attention_pytorch
from comfy.model_management import throw_exception_if_processing_interrupted
from torch import Tensor

from ...models.errors import LikenessError
from ...models.port.attention import Run
from . import keys
from .options import known_conds, uuids_of
from .tiles import is_tile
from .windows import part_error

BLOCK_PATCH = "output_block_patch"


class ReachedError(Exception):
    """What was to be captured has been read, and the rest of the UNet is not wanted."""


@dataclass(eq=False, slots=True)
class CapturedFeatures:
    """What one UNet call leaves behind.

    Attributes:
        blocks: whose results are read.
        is_all: whether nothing else is wanted of the call, which then ends there.
        size: (H, W) of the latent that a call for a whole picture has to show; None takes any.
        features: by block, (B, C, h, w), with a graph; tensors of their own, which no patch writes into.
        is_reached: whether a captured block ran at all.
    """

    blocks: tuple[int, ...]
    is_all: bool = False
    size: tuple[int, int] | None = None
    features: dict[int, Tensor] = field(default_factory=dict)
    is_reached: bool = False

    def options(self, options: dict[str, Any]) -> dict[str, Any]:
        """What the call's `transformer_options` have beside the ordinary ones."""
        patches = {**options.get(keys.PATCHES, {})}
        patches[BLOCK_PATCH] = [self.read, *patches.get(BLOCK_PATCH, ())]  # before others change what we read
        return (
            {keys.PATCHES: patches, keys.RUN: Run()}
            if self.is_all
            else {keys.PATCHES: patches, **_with_backward(options)}
        )

    def read(self, h: Tensor, skip: Tensor, options: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """output_block_patch: what comes into a block is what the block before gave; behind the last captured block no graph is built.

        Raises:
            LikenessError: if another node shows the picture in parts.
        """
        throw_exception_if_processing_interrupted()
        block = options[keys.BLOCK][1]
        if block - 1 in self.blocks:
            self.is_reached = True
            if is_tile(options):
                raise part_error("Guidance")
            known, uuids = known_conds(options), uuids_of(options)
            for uuid, rows in zip(uuids, h.chunk(len(uuids)), strict=True):
                is_whole = uuid not in known or known[uuid].crop is None  # a part of the picture shows no whole face
                if is_whole:
                    self._require_whole(tuple(options[keys.INPUT][-2:]))
                    self.features.setdefault(block - 1, rows.clone())
        if block > max(self.blocks):
            if self.is_all:
                raise ReachedError
            return _apart(h.detach(), h), _apart(skip.detach(), skip)
        return _apart(h, h), _apart(skip, skip)

    def _require_whole(self, shown: tuple[int, ...]) -> None:
        if self.size is not None and shown != self.size:
            raise LikenessError(
                f"Another node shows the model a latent of {shown[0]}×{shown[1]} in place of {self.size[0]}×{self.size[1]}, "
                "a part in which guidance cannot tell where faces are; bypass that node (one that draws in tiles), or the guidance."
            )


def _apart(given: Tensor, held: Tensor) -> Tensor:
    """What may be written into, as FreeU and ControlNets do, without touching what a graph holds."""
    return given.clone() if held.requires_grad else given


def _with_backward(options: dict[str, Any]) -> dict[str, Any]:
    """Attention that has a backward, and a run whose caches a graph may hold."""
    previous: Callable[..., Tensor] | None = options.get(keys.ATTENTION_OVERRIDE)

    def attend(function: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        del function  # may have none
        if previous is None:
            return attention_pytorch(*args, **kwargs)
        return previous(attention_pytorch, *args, **kwargs)

    run: Run | None = options.get(keys.RUN)
    guided = Run(notes={}) if run is None else run.remember(keys.GUIDED_RUN, lambda: _guided(run))
    return {keys.ATTENTION_OVERRIDE: attend, keys.RUN: guided}


def _guided(run: Run) -> Run:
    """The guided passes of a run, with what they share with the others."""
    return Run(recorder=run.recorder, notes={}, found=run.found)
