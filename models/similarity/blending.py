"""Blending: how much the people of one picture look like each other."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..errors import require_shape


def score(vectors: Tensor) -> float | None:
    """The mean cosine over all pairs of a picture's faces; the lower, the better people are kept apart.

    Not clamped: two faces that are less alike than strangers on average stay below zero.

    Args:
        vectors: of a recogniser, one a face, (F, W), of any length. One that is zero, NaN or infinite has no direction and
            is left out.

    Returns:
        -1 to 1; None where fewer than two faces are left, because nobody is there to be blended with. Such pictures are
        counted apart: a zero would make a set of pictures look better the more faces are missing.

    Raises:
        ShapeError: if the vectors are no matrix.

    Reference: UniPortrait (arXiv:2408.05939), blending score (BS), there of two faces.
    """
    require_shape("vectors", vectors, ("F", "W"))
    vectors = vectors.detach().to("cpu", torch.float64)
    vectors = vectors[vectors.isfinite().all(1) & vectors.ne(0).any(1)]
    count = len(vectors)
    if count < 2:
        return None
    directions = normalize(vectors, dim=1)
    first, second = torch.triu_indices(count, count, offset=1)
    return float((directions[first] * directions[second]).sum(1).mean())
