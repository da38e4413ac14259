"""Whose face is whose: the best one-to-one assignment of faces to people, strangers allowed."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ..errors import InvalidSettingError, require_shape
from ..packages import import_package

NOBODY = -1


def assign(similarity: Tensor, threshold: float) -> Tensor:
    """Give every person the face that is theirs.

    Of all ways to give each person at most one face and each face to at most one person, the one is taken whose similarities
    have the largest sum; only pairs that reach the threshold count. Below a threshold of zero the sum is that of what each
    pair has above it, so that a pair with a negative similarity is still better than none.

    Args:
        similarity: of F faces with P people, the higher the more alike, (F, P); what is NaN or infinite reaches nothing.
        threshold: from which on a face may be a person's.

    Returns:
        (P,) int64: the face of each person, -1 where nobody's face is left that reaches the threshold.

    Raises:
        ShapeError: if the similarities are no matrix.
        InvalidSettingError: if the threshold is NaN.
        MissingPackageError: if scipy is not installed.
    """
    similarity = torch.as_tensor(similarity).detach().to("cpu", torch.float64)
    require_shape("similarity", similarity, ("F", "P"))
    if math.isnan(threshold):
        raise InvalidSettingError("The threshold is NaN; give the similarity from which on two faces are one person.")
    found = torch.full((similarity.shape[1],), NOBODY, dtype=torch.int64)
    is_allowed = similarity.isfinite() & (similarity >= threshold)
    if not is_allowed.any():
        return found
    least = torch.finfo(torch.float64).eps  # a pair without any similarity is better than none
    gain = torch.where(is_allowed, similarity - min(threshold, 0.0) + least, 0.0)
    optimize: Any = import_package("scipy.optimize", "linear_sum_assignment", purpose="Telling whose face is whose")
    for face, person in zip(*optimize.linear_sum_assignment(gain.numpy(), maximize=True), strict=True):
        if is_allowed[face, person]:
            found[person] = int(face)
    return found
