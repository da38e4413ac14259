"""The ellipse in a face's box: where a face is when nothing says its outline."""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST = 1e-6  # half axis, as a share of the picture


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
