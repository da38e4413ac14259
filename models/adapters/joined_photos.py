"""Photos of one person whose tokens are joined: a photo that weighs less is read less, by log w on the scores of its tokens."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import InvalidSettingError


def log_weights(weights: Sequence[float], tokens: int) -> Tensor | None:
    """What is added to the scores of joined tokens, so that a photo counts as if its tokens stood there w times.

    Σ w e^s = Σ e^(s + log w). Weights count by their proportion to the largest, which gets 0: so a photo alone, and photos
    that weigh alike, are read as without weights, also where a softmax holds other tokens beside theirs.

    Args:
        weights: of R photos, above 0; a photo of weight 0 is left out before.
        tokens: T of each photo.

    Returns:
        (R·T,) float32, at most 0, one photo after the other; None where all weigh alike.

    Raises:
        InvalidSettingError: if a weight is not above 0.
    """
    if not min(weights) > 0:
        raise InvalidSettingError(
            f"A photo to be joined weighs {min(weights)}; leave it out, or give it a weight above 0."
        )
    largest = max(weights)
    if min(weights) == largest:
        return None
    shares = torch.tensor([weight / largest for weight in weights], dtype=torch.float64)
    return shares.log().float().repeat_interleave(tokens)
