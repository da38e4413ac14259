"""All colours of the world: RGB 0–1 as they look in full light."""

from __future__ import annotations

import torch
from torch import Tensor

# Neighbours are about as far apart as people's: nearer, and light alone would turn one into the other.
SKIN = torch.tensor(
    [
        (0.93, 0.81, 0.72),
        (0.91, 0.71, 0.57),
        (0.82, 0.60, 0.42),
        (0.68, 0.46, 0.31),
        (0.50, 0.33, 0.22),
        (0.34, 0.22, 0.16),
    ]
)
HAIR = torch.tensor(
    [
        (0.10, 0.09, 0.11),
        (0.27, 0.17, 0.11),
        (0.47, 0.30, 0.17),
        (0.60, 0.24, 0.11),
        (0.90, 0.72, 0.38),
        (0.67, 0.67, 0.68),
    ]
)
EYES = torch.tensor([(0.36, 0.20, 0.09), (0.38, 0.50, 0.20), (0.22, 0.47, 0.76), (0.45, 0.55, 0.62)])

CLOTHING_NAMES = ("red", "yellow", "green", "blue", "purple", "white")
CLOTHING = torch.tensor(
    [
        (0.80, 0.24, 0.24),
        (0.93, 0.76, 0.26),
        (0.27, 0.60, 0.38),
        (0.22, 0.42, 0.72),
        (0.50, 0.32, 0.64),
        (0.93, 0.92, 0.89),
    ]
)

# A background alternates between GROUND + tint and GROUND - tint. All have the same mean, because a small model does
# not learn flat colours: it starts from noise that still holds the mean of the training pictures.
GROUND = 0.74
TINT_NAMES = (("orange", "blue"), ("green", "pink"), ("yellow", "purple"), ("white", "grey"))
TINTS = torch.tensor([(0.17, 0.02, -0.17), (-0.13, 0.10, -0.09), (0.11, 0.11, -0.18), (0.16, 0.16, 0.16)])

WHITE = torch.tensor((0.93, 0.93, 0.92))
DARK = torch.tensor((0.13, 0.09, 0.09))
RED = torch.tensor((0.78, 0.16, 0.20))
MOUTH_INSIDE = torch.tensor((0.36, 0.09, 0.10))
LIPS = torch.tensor((0.76, 0.27, 0.29))
BLUSH = torch.tensor((0.90, 0.40, 0.36))
SHADE = torch.tensor((0.80, 0.72, 0.70))  # what a shadow leaves of a colour


def mix(colour: Tensor, other: Tensor, share: float) -> Tensor:
    """Return `share` of another colour and the rest of this one, (…, 3)."""
    return torch.lerp(colour, other.expand_as(colour), share)
