"""The data set of FaceStudio: pictures as styles, with all faces hidden, and the face of the first person, if there is one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ...dataset.manifest import PersonRow
from ...dataset.rows import RowSource
from ...models.clip import CLIP_MEAN, CLIP_SIZE
from ...models.errors import BadImageError
from ...models.face.region_masks import TRUE_NAMES
from ...models.facestudio.face_masking import hide_faces
from ...models.images.resampling import resize
from ..batches.examples import Crop
from ..batches.face_crops import can_be_aligned, face_box
from ..batches.framing import Frame, frame_faces
from ..batches.index import Wanted
from ..batches.row_dataset import RowDataset, Seen
from ..ip_adapter.pictures import face_crop

PARSED = (  # the manifest's classes in order, by the names that hiding knows
    *("background", "skin", "left_eyebrow", "right_eyebrow", "left_eye", "right_eye", "eyeglasses", "left_ear"),
    *("right_ear", "nose", "mouth", "upper_lip", "lower_lip", "neck", "hair", "hat"),
)
_LABELS = np.array([TRUE_NAMES.index(name) for name in PARSED], np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleSquare:
    """What CLIP sees of a training picture.

    Attributes:
        size: side of the square, pixels.
        mean: colour that hides faces, red, green and blue, 0–1.
    """

    size: int = CLIP_SIZE
    mean: Sequence[float] = CLIP_MEAN

    def of(self, picture: np.ndarray, boxes: Sequence[np.ndarray], labels: np.ndarray | None) -> np.ndarray:
        """A square picture as CLIP sees it, faces hidden before it is resized.

        Args:
            picture: (S, S, 3) uint8 RGB.
            boxes, labels: see `hide_faces`, which also says what is raised.

        Returns:
            (size, size, 3) uint8 RGB, bicubic.
        """
        hidden = hide_faces(picture, boxes, labels, mean=self.mean).picture
        return resize(hidden, (self.size, self.size), "bicubic")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Sources:
    """What the guidance of a picture is made of.

    Attributes:
        style: the training picture with all faces hidden, as CLIP sees it, (size, size, 3) uint8 RGB.
        face: the aligned face of the first person that the square shows, (112, 112, 3) uint8 RGB; None where it shows nobody.
    """

    style: Crop
    face: Crop | None


class StyleDataset(RowDataset[Sources]):
    """Pictures with people and without; the only entry of an example's people is all that its guidance is made of.

    Faces are hidden where the parsing map says; without one, in the ellipse of the face's box.

    Args:
        source, wanted, seed: see `RowDataset`.
        square: what CLIP sees.
    """

    def __init__(self, source: RowSource, wanted: Wanted, *, seed: int, square: StyleSquare) -> None:
        super().__init__(source, wanted, seed=seed)
        self._square = square

    def _people(self, seen: Seen) -> tuple[Sources]:
        face = face_crop(seen, seen.people[0], self.is_cached) if seen.people else None
        return (Sources(style=style_crop(seen, self._square, self.is_cached), face=face),)


def style_crop(seen: Seen, square: StyleSquare, is_cached: Callable[[str], bool], *, hide: bool = True) -> Crop:
    """The training picture of a row as CLIP sees it.

    Args:
        seen: the row.
        square: what CLIP sees.
        is_cached: whether what CLIP says is at hand by the key, so that pixels are not needed.
        hide: whether the faces of all people are hidden.

    Returns:
        The square, (size, size, 3) uint8 RGB, under a key that says all that it depends on, what is in the parsing maps included.

    Raises:
        OSError: if the picture or a map cannot be read.
        BadImageError: if one cannot be decoded, has another size than the row says, or a map holds a class that none is.
    """
    with_face = [person for person in seen.row.persons if person.face or can_be_aligned(person.points)] if hide else []
    boxes = [_in_frame(seen.frame, person) for person in with_face]
    maps = [person.parse for person in with_face if person.parse]
    parsed = [seen.photo.map_digest(name) for name in maps]
    told = f"style {seen.photo.digest} {seen.frame} {[box.tolist() for box in boxes]} {parsed} {square}"
    key = hashlib.sha256(told.encode()).hexdigest()
    if is_cached(key):
        return Crop(key, None)
    labels = seen.frame.map(_labels(seen, maps)) if maps else None
    return Crop(key, square.of(seen.frame.picture(seen.photo.picture), boxes, labels))


def cut_style(picture: Image.Image, person: PersonRow, square: StyleSquare) -> np.ndarray:
    """The square of a picture around somebody as CLIP sees it, (size, size, 3) uint8 RGB.

    Their own face is hidden by the ellipse in its box; other people's faces stay.
    """
    frame = frame_faces(picture.width, picture.height, [face_box(person)], min(picture.size))
    return square.of(frame.picture(picture), [_in_frame(frame, person)], None)


def _in_frame(frame: Frame, person: PersonRow) -> np.ndarray:
    """A face's box in training pixels, x0 y0 x1 y1; it may leave the square."""
    return frame.points(np.array(face_box(person), np.float32).reshape(2, 2)).reshape(4)


def _labels(seen: Seen, maps: Sequence[str]) -> np.ndarray:
    """All parsing maps of a picture as one, (H, W), in the names that hiding knows."""
    joined = np.zeros((seen.row.height, seen.row.width), np.uint8)
    for name in maps:
        classes = seen.photo.map(name)
        if classes.max() >= len(PARSED):
            raise BadImageError(f"{name} holds class {classes.max()}; classes go from 0 to {len(PARSED) - 1}.")
        joined = np.where(joined > 0, joined, classes)
    return _LABELS[joined]
