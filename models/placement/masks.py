"""Masks: bringing a user's picture-sized mask to the grid of an attention layer."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import InvalidSettingError, ShapeError
from ..images.numbers import as_floats, require_size
from ..port.attention import AttentionCall, Crop

SMALLEST = 1e-6  # half axis, as a share of the picture


def to_grid(mask: Tensor, grid: tuple[int, int], crop: Crop | None = None, *, mode: str = "bilinear") -> Tensor:
    """Resize masks to the latent positions of one attention layer.

    Args:
        mask: (M, H, W) float, 0–1.
        grid: (h, w) of the layer.
        crop: the part of the picture that the layer sees; None for all of it.
        mode: "bilinear" or "bicubic" (align_corners False, no antialias), or "nearest", as published codes use.

    Returns:
        (M, h·w), row-major.
    """
    height, width = mask.shape[-2:]
    if crop is not None:
        rows = span(crop.top, crop.height, crop.full_height, height)
        columns = span(crop.left, crop.width, crop.full_width, width)
        mask = mask[:, rows, columns]
    corners = False if mode == "bilinear" else None
    resized = functional.interpolate(mask[:, None].float(), size=grid, mode=mode, align_corners=corners)
    return resized.flatten(1)  # (M, h·w)


def for_rows(mask: Tensor, call: AttentionCall, *, mode: str = "bilinear") -> Tensor:
    """The mask of every batch row, at the call's grid, device and dtype.

    Args:
        mask: (M, H, W); picture i of the latent batch takes mask i modulo M.
        call: whose rows and grid count.
        mode: see `to_grid`.

    Returns:
        (B, L).
    """
    return rows_of(mask, call, mode=mode).to(call.query).expand(len(call.samples), -1)


def rows_of(mask: Tensor, call: AttentionCall, *, mode: str = "bilinear") -> Tensor:
    """The mask of every batch row at the call's grid, (B, L) float32 where the mask is, or (1, L) where there is one for all.

    Args:
        mask, call, mode: see `for_rows`.
    """
    resized = to_grid(mask, call.grid, call.crop, mode=mode)  # (M, L)
    if len(resized) == 1:
        return resized
    return resized[[sample % len(resized) for sample in call.samples]]


def check_mask(mask: Tensor, name: str) -> Tensor:
    """Check the mask of a person; see `read_mask`.

    Args:
        mask: (H, W) or (M, H, W), 0-1.
        name: of the person.
    """
    return read_mask(mask, f'The mask of "{name}"')


def read_mask(mask: Tensor, called: str) -> Tensor:
    """Check a mask.

    Args:
        mask: (H, W) or (M, H, W), 0-1; may be of bools or integers.
        called: what a message calls it.

    Returns:
        (M, H, W) float.

    Raises:
        ShapeError: if it has another number of axes.
        InvalidSettingError: if it is empty or holds NaN.
        BadImageError: if it is no tensor of numbers, or absurdly large.
    """
    mask = as_floats(mask, called)
    if mask.ndim == 2:
        mask = mask[None]
    if mask.ndim != 3:
        raise ShapeError(f"{called} has shape {tuple(mask.shape)}; expected (H, W) or (M, H, W).")
    require_size(mask, mask.shape[1], mask.shape[2], called)
    if mask.numel() == 0 or not torch.isfinite(mask).all():
        raise InvalidSettingError(f"{called} is empty or holds NaN; connect a drawn mask.")
    return mask


def span(start: int, length: int, full: int, size: int) -> slice:
    """The cells of a side of `size` that a part of `full` covers, at least one."""
    first = min(round(start * size / full), size - 1)
    return slice(first, max(first + 1, round((start + length) * size / full)))


def ellipse(box: Tensor, size: tuple[int, int]) -> Tensor:
    """The ellipse inside a box.

    Args:
        box: left, top, right, bottom as shares of width and height, (4,).
        size: (H, W) of the mask.

    Returns:
        (H, W) float32: 1 where the middle of a cell lies inside, else 0.
    """
    left, top, right, bottom = box.tolist()
    y = (torch.arange(size[0]) + 0.5) / size[0]
    x = (torch.arange(size[1]) + 0.5) / size[1]
    across = ((x - (left + right) / 2) / max((right - left) / 2, SMALLEST)) ** 2
    down = ((y - (top + bottom) / 2) / max((bottom - top) / 2, SMALLEST)) ** 2
    return ((down[:, None] + across[None]) <= 1).float()
