"""Which place of the generated face belongs to which place of the reference's.

OmniPortrait, Eq. 7: the nearest feature. The equation lets the minimum run over the reference's mask; it is meant, as the
text says, over the generated one.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import InvalidSettingError, require_shape

LARGEST = 4_000_000  # distances held at once


@torch.no_grad()
def nearest(reference: Tensor, generated: Tensor, *, chunk: int | None = None) -> Tensor:
    """The generated feature with the smallest Euclidean distance to each reference feature; several may share one.

    Args:
        reference: features inside the reference's mask, (R, C).
        generated: features inside the generated mask, (G, C), on the same device.
        chunk: reference features compared at once; None for as many as 4 million distances allow.

    Returns:
        (R,) int64, places of `generated`.

    Raises:
        ShapeError: if the widths differ.
        InvalidSettingError: if there is nothing to choose from, or `chunk` is not positive.
    """
    require_shape("reference", reference, ("R", "C"))
    require_shape("generated", generated, ("G", reference.shape[1]))
    if not len(generated):
        raise InvalidSettingError("The generated mask is empty, so no feature can be matched; use a larger mask.")
    rows = max(1, LARGEST // len(generated)) if chunk is None else chunk
    if rows < 1:
        raise InvalidSettingError(f"chunk is {chunk}; choose at least 1.")
    # distances stay as they are if all features are moved, and differences of large numbers are avoided
    middle = generated.float().mean(0)
    targets = generated.float() - middle
    lengths = targets.square().sum(-1)
    found = [(lengths - 2 * (part.float() - middle) @ targets.T).argmin(-1) for part in reference.split(rows)]
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.long, device=generated.device)


def similarity(reference: Tensor, generated: Tensor) -> Tensor:
    """How alike features are, (R, C) and (R, C) row by row: (cos + 1) / 2, (R,) float32, 0–1.

    Reference: OmniPortrait, Eq. 8.
    """
    return (torch.nn.functional.cosine_similarity(generated.float(), reference.float(), dim=-1) + 1) / 2
