"""The face localisation loss: what attends to the pivot's row should be the face.

OmniPortrait, Eq. 5. The attention is the softmax's as it is: neither sharpened nor normalised by its largest value. Mean over heads
and layers, and area pooling to one grid, are ours [choice].
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ...models.errors import ShapeError, require_shape

WEIGHT = 2e-3  # of the loss beside that of denoising, the paper's η
SIDE = 16  # positions on the short side of the grid on which attention and faces are compared


def face_localization_loss(maps: Sequence[Tensor], faces: Tensor, present: Tensor) -> Tensor:
    """Squared difference of attention and face, mean over positions, over people of a picture, and over pictures.

    Args:
        maps: attention to the pivots' rows, one of every layer, on grids of the same shape, (B, N, h, w), 0–1.
        faces: share of each place that shows the person's face, (B, N, H, W), 0–1, of any size.
        present: whose pivot is there, (B, N) bool; pictures without anybody count as 0.

    Returns:
        A scalar, float32; differentiable in `maps`.

    Raises:
        ShapeError: if there is no map, or the shapes do not belong together.
    """
    if not maps:
        raise ShapeError("The face localisation loss got no attention maps; record at least one layer.")
    require_shape("faces", faces, (*present.shape, "H", "W"))
    for one in maps:
        require_shape("a map", one, (*present.shape, "h", "w"))
    height, width = maps[0].shape[-2:]
    scale = min(1.0, SIDE / min(height, width))
    grid = (round(height * scale), round(width * scale))
    attention = torch.stack([_pool(one, grid) for one in maps]).mean(0)
    errors = (attention - _pool(faces, grid)).square().mean((-2, -1))
    counted = present.to(errors)
    return ((errors * counted).sum(1) / counted.sum(1).clamp_min(1)).mean()


def _pool(values: Tensor, grid: tuple[int, int]) -> Tensor:
    return functional.interpolate(values.float(), grid, mode="area")
