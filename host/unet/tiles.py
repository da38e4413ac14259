"""Which rows of a UNet's batch are what, where a node gives it other latents than ComfyUI asked about: tiles, several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import torch
from torch import Tensor

from ...models.errors import LikenessError
from ...models.port.attention import Crop
from ..sampling.conds import CondInfo
from . import keys
from .couples import is_text
from .options import Options, known_conds, uuids_of
from .windows import is_window_of_places, pictures_of

MOST_PLACES = 4  # that are looked at twice
SAME = 1e-3  # of the row's spread; half precision rounds less

Part = tuple[int, int, int]  # a picture of the run, top and left in cells of its latent


@dataclass(frozen=True, eq=False, slots=True)
class StepLatents:
    """What a sampler's step is about.

    Attributes:
        x: noisy latents of all pictures, (P, C, H, W).
        sigma: their noise levels, (P,).
        sampling: ComfyUI's model sampling, which scales them for the UNet.
        texts: of the conds, by their uuid, (1 or P, T, D).
    """

    x: Tensor
    sigma: Tensor
    sampling: Any
    texts: Mapping[UUID, Tensor]

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the latents."""
        return self.x.shape[-2], self.x.shape[-1]

    def as_given(self, like: Tensor) -> Tensor:
        """The latents as the UNet is given them, in the type and on the device of a tensor."""
        return self.sampling.calculate_input(self.sigma, self.x).to(like)


@dataclass(frozen=True, slots=True)
class FoundRow:
    """One row of a call.

    Attributes:
        cond: what it is about; its crop is the part of the picture that the row shows.
        picture: number in the run.
    """

    cond: CondInfo
    picture: int


@torch.no_grad()
def find_rows(
    x: Tensor, context: Tensor | None, options: Options, chunks: Sequence[CondInfo]
) -> tuple[FoundRow, ...] | None:
    """Find out what every row of a call is that is not as ComfyUI makes it.

    ComfyUI puts all pictures of the first cond before those of the second, whole or cut to the cond's area. Nodes around
    the UNet may cut them into tiles, and put several tiles into one call. Such rows are looked up: the latents in those of
    the step, the text among those of the conds.

    Args:
        x: what the UNet is given, (B, channels, h, w); of channels beyond the latents' own nothing is read.
        context: the text of every row, (B, S, D).
        options: `transformer_options` of the call.
        chunks: the conds that are asked about.

    Returns:
        B rows; None where they are as ComfyUI makes them, or where the caller is no sampler.

    Raises:
        LikenessError: if it cannot be told which rows are whose.
    """
    step: StepLatents | None = options.get(keys.STEP)
    if step is None:
        return None
    is_part = is_window_of_places(options)
    pictures = None if is_part else pictures_of(options)
    expected = len(chunks) * len(step.x if pictures is None else pictures)
    is_whole = all(_size(info, step) == tuple(x.shape[-2:]) for info in chunks)
    if len(x) == expected and is_whole and not is_part:
        return None
    latents = step.as_given(x)
    parts = [_find_part(row, latents) for row in x[:, : step.x.shape[1]]]
    sides = _sides(len(x), context, options, chunks, step) or _sides_by_place(parts, chunks)
    if len(x) == expected and None in parts and not is_part:
        return None  # as many rows as ComfyUI makes, changed on the way: no part of the pictures
    if sides is None or (None in parts and (is_part or len(step.x) > 1)):
        raise LikenessError(
            f"Another node gives the model {len(x)} rows at once where {expected} were asked for, and nothing tells which "
            "of them belong to which prompt and picture; set the tile batch size of the tiling node (Tiled Diffusion, "
            "MultiDiffusion) to 1, or remove it."
        )
    return tuple(_row(side, part, step, tuple(x.shape[-2:])) for side, part in zip(sides, parts, strict=True))


def is_tile(options: Options) -> bool:
    """Whether a call that is about whole pictures of a step shows less of them."""
    step: StepLatents | None = options.get(keys.STEP)
    given = tuple(options.get(keys.INPUT, ())[-2:])
    if step is None or len(given) != 2:
        return False
    wholes = [info for uuid, info in known_conds(options).items() if uuid in uuids_of(options) and info.crop is None]
    return bool(wholes) and given != step.size


def _row(side: CondInfo, part: Part | None, step: StepLatents, size: tuple[int, ...]) -> FoundRow:
    if part is None or size == step.size:
        return FoundRow(replace(side, crop=None), 0 if part is None else part[0])
    picture, top, left = part
    return FoundRow(replace(side, crop=Crop(top, left, size[0], size[1], *step.size)), picture)


def _size(info: CondInfo, step: StepLatents) -> tuple[int, int]:
    return step.size if info.crop is None else (info.crop.height, info.crop.width)


def _sides(
    count: int, context: Tensor | None, options: Options, chunks: Sequence[CondInfo], step: StepLatents
) -> list[CondInfo] | None:
    """What each row is about, told by its text; None where the texts do not tell."""
    if len({replace(info, crop=None) for info in chunks}) == 1:
        return [chunks[0]] * count
    if context is None or len(context) != count:
        return None
    known = [
        (info, step.texts[uuid])
        for info, uuid in zip(chunks, uuids_of(options), strict=True)
        if uuid is not None and uuid in step.texts
    ]
    sides: list[CondInfo] = []
    for row in context:
        fitting = {replace(info, crop=None) for info, text in known if any(is_text(row, one) for one in text)}
        if len(fitting) != 1:
            return None
        sides.append(fitting.pop())
    return sides


def _sides_by_place(parts: Sequence[Part | None], chunks: Sequence[CondInfo]) -> list[CondInfo] | None:
    """What each row is about, where every tile stands there once for each cond, whatever runs faster: in the conds' order."""
    if None in parts or any(parts.count(part) != len(chunks) for part in parts):
        return None
    return [chunks[parts[:number].count(part)] for number, part in enumerate(parts)]


def _find_part(row: Tensor, pictures: Tensor) -> Part | None:
    """Where a row (C, h, w) lies in pictures (P, C, H, W); None where it lies nowhere, or in more than one place."""
    height, width = row.shape[-2:]
    down, across = pictures.shape[-2] - height + 1, pictures.shape[-1] - width + 1
    if down < 1 or across < 1:
        return None
    gaps = pictures.new_zeros((len(pictures), down, across), dtype=torch.float32)
    for y in {0, height // 2, height - 1}:
        for x in {0, width // 2, width - 1}:
            there = pictures[:, :, y : y + down, x : x + across].float()
            gaps += (there - row[:, y, x].float()[None, :, None, None]).abs().sum(1)
    nearest = gaps.flatten().topk(min(MOST_PLACES, gaps.numel()), largest=False).indices.tolist()
    slack = SAME * float(row.float().std())
    found: list[Part] = []
    for place in nearest:
        picture, top, left = place // (down * across), place // across % down, place % across
        there = pictures[picture, :, top : top + height, left : left + width]
        if bool(((there.float() - row.float()).abs() <= slack).all()):
            found.append((picture, top, left))
    return found[0] if len(found) == 1 else None
