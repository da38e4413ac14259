"""The data set of IP-Adapter FaceID: pictures with the aligned face of their person as the recogniser sees it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from ...dataset.manifest import PersonRow
from ...models.face.alignment import align
from ...models.face.insightface import RECOGNITION_SIZE
from ..batches.examples import Crop
from ..batches.face_crops import crop_key
from ..batches.row_dataset import RowDataset, Seen


class FaceDataset(RowDataset[Crop]):
    """Pictures with the aligned faces of their people, (112, 112, 3), cut out of the whole picture at once."""

    def _people(self, seen: Seen) -> tuple[Crop, ...]:
        return tuple(face_crop(seen, person, self.is_cached) for person in seen.people)


def face_crop(seen: Seen, person: PersonRow, is_cached: Callable[[str], bool]) -> Crop:
    """The aligned face of somebody in a row, see `cut_face`; no pixels where their vector is cached under its key."""
    key = crop_key(seen.photo.digest, person.points or ())
    return Crop(key, None if is_cached(key) else cut_face(seen.photo.picture, person))


def cut_face(picture: Image.Image, person: PersonRow) -> np.ndarray:
    """The aligned face of somebody as a recogniser of the ArcFace family sees it, (112, 112, 3) uint8 RGB."""
    return align(np.asarray(picture), np.array(person.points or ()), RECOGNITION_SIZE)
