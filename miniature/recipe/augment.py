"""What pictures may have gone through before a network sees them: blur, noise and another light."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ...training.batches.draws import Draws

BLURRED = 0.5  # share of the pictures
NOISE = 0.04  # most, standard deviation


def augment(pictures: Tensor, draws: Draws) -> Tensor:
    """Worn pictures, (B, 3, H, W), 0–1.

    Args:
        pictures: 0–1.
        draws: a row for each.
    """
    blur = draws.uniform("blur")[:, None, None, None]
    weight = torch.where(blur < BLURRED, blur / BLURRED, 0.0)
    padded = functional.pad(pictures, (1, 1, 1, 1), mode="replicate")
    soft = functional.avg_pool2d(padded, 3, stride=1)
    noise = NOISE * draws.uniform("noise")[:, None, None, None] * draws.normal("grain", pictures.shape[1:])
    return (torch.lerp(pictures, soft, weight) + noise).clamp(0, 1)
