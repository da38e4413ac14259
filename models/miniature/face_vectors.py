"""Face vectors from a backbone: what the miniature has in the place of a recogniser's file."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..face.iresnet import IResNet
from ..uniportrait.encode import backbone_input, preprocess


@torch.no_grad()
def face_vectors(backbone: IResNet, crops: np.ndarray) -> Tensor:
    """Return the mean of the deepest map of every face, which the backbone was trained to tell people apart by.

    Args:
        backbone: runs where it is.
        crops: aligned faces, (R, 224, 224, 3) uint8 RGB.

    Returns:
        (R, W) float32, of length 1.
    """
    pixels = backbone_input(preprocess(crops)).to(next(backbone.parameters()))
    return torch.nn.functional.normalize(backbone(pixels)[-1].float().mean((2, 3)), dim=-1)
