"""The data set of OmniPortrait: pictures with the squares around their people's faces, and the rows of their nouns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ...dataset.fields import Box
from ...dataset.manifest import PersonRow
from ...models.placement.masks import ellipse
from ..batches.face_crops import face_box
from ..batches.noun_rows import noun_rows
from ..batches.row_dataset import RowDataset, Seen
from .crops import MARGIN, cut_wide

FACE = (1, 2, 3, 4, 5, 6, 9, 10, 11, 12)  # classes of a parsing map: skin, brows, eyes, glasses, nose, mouth and lips


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Portrayed:
    """One person in a training picture.

    Attributes:
        row: of the text, the last one of their noun.
        wide: square around the face and more, see `cut_wide`, (288, 288, 3) uint8 RGB.
        head: how much of each of its pixels shows the head, of 255, (288, 288) uint8.
        face: where the training picture shows the face, 0 or 255, (size, size) uint8.
    """

    row: int
    wide: np.ndarray
    head: np.ndarray
    face: np.ndarray


class PortraitDataset(RowDataset[Portrayed]):
    """Pictures whose people are known by a noun; see `RowDataset`. `wanted` has to ask for nouns.

    Where a face is comes from the parsing map; without one, a face is the ellipse in its box, and a head the one in the
    square 1.3 times as large [choice].
    """

    def _people(self, seen: Seen) -> tuple[Portrayed, ...]:
        rows = noun_rows(seen.row, seen.people)
        if rows is None:  # the index holds no such row
            raise OSError(f"the data changed while it was used: {seen.row.id} has no noun for everybody any more")
        return tuple(_portray(seen, person, row) for person, row in zip(seen.people, rows, strict=True))


def _portray(seen: Seen, person: PersonRow, row: int) -> Portrayed:
    box, picture = face_box(person), np.asarray(seen.photo.picture)
    face, head = _masks(seen, person, box, (picture.shape[0], picture.shape[1]))
    return Portrayed(row=row, wide=cut_wide(picture, box), head=cut_wide(head, box), face=seen.frame.map(face))


def _masks(seen: Seen, person: PersonRow, box: Box, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Where the photo shows the face and the head, 0 or 255, (H, W) uint8 each."""
    if person.parse is None:
        return _ellipse(box, size), _ellipse(_grow(box), size)
    classes = seen.photo.map(person.parse)
    return np.isin(classes, FACE).astype(np.uint8) * 255, (classes > 0).astype(np.uint8) * 255


def _ellipse(box: Box, size: tuple[int, int]) -> np.ndarray:
    """The ellipse in a box of a photo of (height, width)."""
    height, width = size
    shares = torch.tensor(box) / torch.tensor((width, height, width, height))
    return (ellipse(shares, size) * 255).byte().numpy()


def _grow(box: Box) -> Box:
    x0, y0, x1, y1 = box
    across, down = MARGIN * (x1 - x0), MARGIN * (y1 - y0)
    return x0 - across, y0 - down, x1 + across, y1 + down
