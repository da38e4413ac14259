"""The style picture without its faces.

FaceStudio never sees an unmasked human face in the style picture while it is trained: reconstruction takes the identity from
the photo of the face, and all else from the style picture (arXiv:2312.02663, section 4). So the faces are hidden at use too.

The picture itself is filled, before it is resized, with the colour that is zero after CLIP's normalisation, rounded to 8 bit
(it is off zero by at most 0.5 / 255 / std, 0.0075). Filling the 224 pixels that CLIP sees would be exactly zero, and would let
the bicubic filter carry colours of the face across the edge of the mask.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..clip import CLIP_MEAN
from ..errors import InvalidSettingError, ShapeError
from ..face.region_masks import MOST_EXPANDED, region_mask, soft_edges
from ..images.resampling import require_rgb
from ..placement.masks import ellipse

DILATION = 0.04  # of the longer side of a face's box; our choice
LEAST_PARSED = 0.1  # of a box; where a parser sees less of a face, as in many drawings, the box is taken
REACH = 1.0  # longer sides of a box around its middle, where parsed pixels belong to its face
SMALLEST = 1.0  # pixels, half axis of an ellipse, so that it covers the middle of a pixel

Box = Sequence[float] | np.ndarray  # x0 y0 x1 y1, pixels


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class HiddenFaces:
    """A picture without its faces.

    Attributes:
        picture: (H, W, 3) uint8 RGB; a copy.
        mask: (H, W) bool, what is hidden.
        parsed: how many faces are hidden by what the parser saw of them.
        boxed: how many by the ellipse of their box.
        drawn: whether a mask of the user's hides something.
    """

    picture: np.ndarray
    mask: np.ndarray
    parsed: int = 0
    boxed: int = 0
    drawn: bool = False

    @property
    def note(self) -> str:
        """A sentence that says what is hidden, and by what."""
        faces = self.parsed + self.boxed
        ways = [f"{count} by {by}" for count, by in ((self.parsed, "parser"), (self.boxed, "box")) if count]
        said = f"{faces} face{'s' if faces > 1 else ''} hidden ({', '.join(ways)})" if faces else "no face found"
        if self.drawn:
            return f"{said}, and what the mask covers."
        return f"{said}." if faces or self.mask.any() else f"{said}, nothing is hidden."


def hide_faces(
    picture: np.ndarray,
    boxes: Sequence[Box],
    labels: np.ndarray | None = None,
    *,
    mask: np.ndarray | None = None,
    mean: Sequence[float] = CLIP_MEAN,
) -> HiddenFaces:
    """Fill all faces of a picture with CLIP's mean colour.

    Hidden are skin, brows, eyes, glasses, nose, mouth and lips as a parser saw them, holes closed, without hair, ears and neck;
    of a face that no parser saw, the ellipse inside its box. Both are grown by 4 % of the box's longer side. What a parser saw
    near no box is hidden too, as it is.

    Args:
        picture: (H, W, 3) uint8 RGB.
        boxes: of all faces, x0 y0 x1 y1 in pixels each; may leave the picture.
        labels: (H, W) uint8, an index of `region_masks.TRUE_NAMES` per pixel, as `FaceParser.parse_around` gives it; None
            without a parser.
        mask: (H, W) bool, what else is to be hidden; None for nothing.
        mean: red, green and blue of the colour, 0–1.

    Returns:
        The picture, what is hidden and how.

    Raises:
        BadImageError: if the picture has another shape or is not 8-bit.
        InvalidSettingError: if a box is no box.
        ShapeError: if labels or mask are of another size.
        MissingPackageError: if labels are given and scipy is not there.
    """
    require_rgb(picture)
    size = (picture.shape[0], picture.shape[1])
    for name, given in (("labels", labels), ("mask", mask)):
        if given is not None and given.shape != size:
            raise ShapeError(
                f"{name} has shape {given.shape} and the picture is {size}; give one of the picture's size."
            )
    squared = [_checked(box) for box in boxes]
    hidden = np.zeros(size, bool) if labels is None else region_mask(labels, "face")
    seen = [None] * len(squared) if labels is None else _parsed(squared, hidden)
    for box, part in zip(squared, seen, strict=True):
        hidden = hidden | (_ellipse(box, size) if part is None else part)
    drawn = mask is not None and bool(mask.any())
    if mask is not None:
        hidden = hidden | mask.astype(bool)
    boxed = sum(part is None for part in seen)
    filled = picture.copy()
    filled[hidden] = [round(255 * value) for value in mean]
    return HiddenFaces(picture=filled, mask=hidden, parsed=len(seen) - boxed, boxed=boxed, drawn=drawn)


def _checked(box: Box) -> tuple[float, float, float, float]:
    """The four numbers of a box."""
    values = [float(value) for value in box]
    if len(values) != 4 or not all(map(math.isfinite, values)) or values[2] < values[0] or values[3] < values[1]:
        raise InvalidSettingError(f"A face's box is {values}; give left, top, right and bottom in pixels.")
    return values[0], values[1], values[2], values[3]


def _longer(box: tuple[float, float, float, float]) -> float:
    return max(box[2] - box[0], box[3] - box[1])


def _ellipse(box: tuple[float, float, float, float], size: tuple[int, int]) -> np.ndarray:
    """The grown ellipse inside a box, (H, W) bool."""
    x0, y0, x1, y1 = box
    grown = DILATION * _longer(box)
    across, down = (max((side / 2) + grown, SMALLEST) for side in (x1 - x0, y1 - y0))
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    edges = (middle[0] - across, middle[1] - down, middle[0] + across, middle[1] + down)
    shares = torch.tensor(edges, dtype=torch.float64) / torch.tensor([size[1], size[0]] * 2, dtype=torch.float64)
    return ellipse(shares, size).bool().numpy()


def _parsed(boxes: list[tuple[float, float, float, float]], seen: np.ndarray) -> list[np.ndarray | None]:
    """What a parser saw of each face, grown, (H, W) bool; None of a face of which it saw too little.

    A pixel belongs to the face whose middle is nearest in units of its box, if it is near enough to one.
    """
    rows, columns = np.nonzero(seen)
    owner = np.full(len(rows), -1)
    nearest = np.full(len(rows), REACH)
    for index, box in enumerate(boxes):
        x0, y0, x1, y1 = box
        away = np.hypot(columns + 0.5 - (x0 + x1) / 2, rows + 0.5 - (y0 + y1) / 2) / max(_longer(box), SMALLEST)
        closer = away < nearest
        owner[closer], nearest[closer] = index, away[closer]
    found: list[np.ndarray | None] = []
    for index, box in enumerate(boxes):
        mine = owner == index
        if mine.sum() < max(LEAST_PARSED * (box[2] - box[0]) * (box[3] - box[1]), 1):
            found.append(None)
            continue
        part = np.zeros(seen.shape, bool)
        part[rows[mine], columns[mine]] = True
        grown = min(math.ceil(DILATION * _longer(box)), MOST_EXPANDED)
        found.append(soft_edges(part, grown, 0) > 0.5)
    return found
