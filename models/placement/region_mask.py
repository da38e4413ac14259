"""Where a person is while sampling: the attention to their word, sharpened and spread by self-attention.

OmniPortrait, Eq. 6. A self-attention map has no column of a word, so the equation's self-attention "of the token" is read as the
whole map times the sharpened vector, once, and the threshold as coming after one more normalisation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import require_shape
from ..packages import import_package

SMALLEST_AREA, LARGEST_AREA = 0.003, 0.6  # shares of the picture that a face may take
LEAST_PEAK = 2.0  # of the attention to the word, over its mean; below, the word attends to nothing in particular


def refine(
    cross: Tensor, self_attention: Tensor, *, gamma: int = 3, alpha: float = 2.0, beta: float = 0.5
) -> tuple[Tensor, Tensor]:
    """The mask of one person.

    Args:
        cross: attention of every position to the person's word, (L,).
        self_attention: of every position to every position, rows summing to 1, (L, L).
        gamma: how often the attention is sharpened.
        alpha: power that sharpens.
        beta: threshold, 0–1.

    Returns:
        The refined attention, (L,) float32, 0–1, and where it exceeds the threshold, (L,) bool.

    Raises:
        ShapeError: if the maps do not belong together.

    Reference: OmniPortrait, Eq. 6.
    """
    require_shape("cross", cross, ("L",))
    require_shape("self_attention", self_attention, (len(cross), len(cross)))
    return refine_with(cross, lambda values: self_attention.float() @ values, gamma=gamma, alpha=alpha, beta=beta)


def refine_with(
    cross: Tensor, spread: Callable[[Tensor], Tensor], *, gamma: int, alpha: float, beta: float
) -> tuple[Tensor, Tensor]:
    """As `refine`, of any number of rows (…, L), where self-attention is a function from values to their means and not a matrix."""
    sharp = normalise(cross.float())
    for _ in range(gamma):
        sharp = normalise(sharp) ** alpha
    soft = normalise(spread(sharp))
    return soft, soft > beta


def normalise(values: Tensor) -> Tensor:
    """Values (…, L) moved and scaled to 0–1, each row by itself; zeros where all of a row are equal."""
    low, high = values.amin(-1, keepdim=True), values.amax(-1, keepdim=True)
    return torch.where(high > low, (values - low) / (high - low), torch.zeros_like(values))


def clean_mask(mask: Tensor) -> Tensor:
    """The largest connected part of a mask (h, w) bool, its holes filled, one cell wider on every side.

    Raises:
        MissingPackageError: if scipy is not installed.
    """
    ndimage = _ndimage()
    parts, count = ndimage.label(mask.cpu().numpy())
    if not count:
        return mask
    largest = 1 + int(np.bincount(parts.ravel())[1:].argmax())
    whole = ndimage.binary_dilation(ndimage.binary_fill_holes(parts == largest))
    return torch.from_numpy(whole).to(mask.device)


def is_credible(mask: Tensor, cross: Tensor) -> bool:
    """Whether a mask (L,) bool, made of the attention `cross` (L,), can be a face; guidance with a wrong one does harm."""
    area = float(mask.float().mean())
    return SMALLEST_AREA <= area <= LARGEST_AREA and float(cross.max()) >= LEAST_PEAK * float(cross.mean())


def _ndimage() -> Any:
    return import_package("scipy.ndimage", "label", purpose="Cleaning a mask")
