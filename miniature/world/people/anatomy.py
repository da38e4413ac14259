"""Measures of a face by its attributes, in units of half a head's height; x to the picture's right, y down."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Table:
    """Measures of all values of an attribute.

    Attributes:
        columns: names of the measures.
        rows: one per value.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]

    def of(self, codes: Tensor) -> dict[str, Tensor]:
        """Return each measure of a list of people, float32 of the shape of the codes."""
        return dict(zip(self.columns, torch.tensor(self.rows)[codes].unbind(-1), strict=True))


# The features stand as in the template of face alignment (models/face/alignment.py), so that aligned eyes lie on it.
EYE_X, EYE_Y = 0.32, -0.12
NOSE_Y = 0.245
MOUTH_Y = 0.62
BROW_Y = -0.37
NECK_X = 0.31
SHOULDERS_Y = 1.22

HEADS = Table(
    ("width", "height", "squareness", "taper", "eyes", "shoulders"),
    (
        (0.80, 1.00, 0.55, 0.04, 0.92, 1.32),
        (0.73, 1.01, 0.05, 0.14, 1.00, 1.16),
        (0.88, 0.95, 0.18, 0.00, 1.12, 1.05),
        (0.81, 0.98, 0.00, 0.42, 1.12, 1.00),
    ),
)

# The outline is a disc drawn out downwards: `margin` beyond the head's width, `cap` high above `top`, down to `bottom`.
# The face shows through an arch: `arch_width`, `arch_height` above `arch_y`, `flat` 0–1, `tilt` to one side.
HAIRS = Table(
    ("margin", "cap", "top", "bottom", "curl", "arch_width", "arch_height", "arch_y", "flat", "tilt"),
    (
        (0.05, 0.92, -0.28, -0.28, 0.00, 0.80, 0.52, -0.10, 0.30, 0.22),
        (0.14, 0.86, -0.32, 0.28, 0.00, 0.62, 0.50, -0.05, 0.85, 0.00),
        (0.11, 0.86, -0.32, 1.30, 0.00, 0.66, 0.72, 0.00, 0.00, -0.10),
        (0.28, 1.02, -0.25, -0.02, 0.075, 0.70, 0.52, -0.05, 0.20, 0.00),
    ),
)

MOUTHS = Table(
    ("width", "upper", "lower"),
    ((0.34, 0.035, 0.045), (0.27, 0.055, 0.075), (0.21, 0.085, 0.115)),
)

MOLE_SIZE = 0.055
MOLES = Table(
    ("x", "y", "there"),
    (
        (0.00, 0.00, 0),
        (-0.42, 0.36, 1),
        (0.42, 0.36, 1),
        (0.23, 0.80, 1),
        (-0.17, 0.43, 1),
    ),
)
