"""What methods learn from: latents, prompts and the people in them, as tensors. Methods may have batches of their own."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, TypeVar, cast

import torch
from torch import Tensor

T = TypeVar("T")


class AnyBatch(Protocol):
    """What the loop has to know of a batch."""

    def to(self, device: torch.device) -> AnyBatch:
        """The same batch on a device."""
        ...


def move_tensors(batch: T, device: torch.device) -> T:
    """A batch, a frozen dataclass, with its tensors on a device."""
    tensors: dict[str, Any] = {}
    for field in fields(cast(Any, batch)):
        value = getattr(batch, field.name)
        if isinstance(value, Tensor):
            tensors[field.name] = value.to(device, non_blocking=True)
    return cast(T, replace(cast(Any, batch), **tensors))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Batch:
    """B pictures with up to N people each.

    Attributes:
        positions: of every picture in the run, counted over all processes; random numbers depend on them.
        latents: as the UNet takes them, scaled, (B, C, h, w).
        text: what cross-attention reads, (B, S, D).
        pooled: the second encoder's pooled text, (B, P); None for SD1.5.
        sizes: height and width of the whole picture, top and left of the crop, height and width of the crop, all in
            pixels, (B, 6); read by SDXL alone.
        intrinsic: deepest backbone features of every person, (B, N, Ti, Di).
        structure: shallow backbone and CLIP features, (B, N, Ts, Ds).
        boxes: left, top, right and bottom of every face as shares of width and height, 0–1, (B, N, 4).
        present: whether there is such a person, (B, N) bool; the first is always there.
        weights: of the positions in the loss, at least 0, (B, 1, h, w); None for all alike.
    """

    positions: tuple[int, ...]
    latents: Tensor
    text: Tensor
    pooled: Tensor | None
    sizes: Tensor
    intrinsic: Tensor
    structure: Tensor
    boxes: Tensor
    present: Tensor
    weights: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        return move_tensors(self, device)


def join(batches: list[Batch]) -> Batch:
    """Several batches as one; people who are missing are filled up with zeros and marked absent."""
    people = max(batch.present.shape[1] for batch in batches)
    joined: dict[str, Any] = {"positions": tuple(place for batch in batches for place in batch.positions)}
    for field in fields(Batch):
        values = [getattr(batch, field.name) for batch in batches]
        if field.name in ("intrinsic", "structure", "boxes", "present"):
            values = [_pad(value, people) for value in values]
        if field.name != "positions":
            joined[field.name] = None if values[0] is None else torch.cat(values)
    return Batch(**joined)


def _pad(values: Tensor, people: int) -> Tensor:
    missing = values.new_zeros(values.shape[0], people - values.shape[1], *values.shape[2:])
    return torch.cat([values, missing], dim=1)
