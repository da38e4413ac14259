"""Faces that need no detector: points or boxes that the user gives, and pictures that are face crops already."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InvalidSettingError
from .alignment import TEMPLATE_SIZE, similarity_matrix, template
from .looking import clamp
from .types import Detection

SECTION = re.compile(r"image\s+(\d+)\s*:?", re.IGNORECASE)
POINTS, BOX = 10, 4  # numbers on a line
MOST_LINES = 4096  # of the text; a crop is made for each, 150 KB
MOST_FACES = 256  # of one picture
MOST_DIGITS = 9  # of a picture's number


@dataclass(frozen=True, slots=True)
class GivenRegions:
    """Faces where the user says that they are; a `FaceDetector`.

    Attributes:
        text: see `parse_region`.
    """

    text: str

    @property
    def key(self) -> str:
        """The text itself."""
        return f"given {self.text}"

    def at_size(self, size: int) -> GivenRegions:
        """Itself."""
        del size
        return self

    def find(self, pictures: Sequence[np.ndarray]) -> Iterator[list[Detection]]:
        """The faces of one picture after another, in the order of the lines; see `parse_region`."""
        given = parse_region(self.text, [picture.shape[:2] for picture in pictures])
        return (clamp(found, picture) for found, picture in zip(given, pictures, strict=True))


@dataclass(frozen=True, slots=True)
class FaceCrop:
    """Pictures that are aligned face crops already; a `FaceDetector`."""

    @property
    def key(self) -> str:
        """Its name: there is nothing to set."""
        return "face crop"

    def at_size(self, size: int) -> FaceCrop:
        """Itself."""
        del size
        return self

    def find(self, pictures: Sequence[np.ndarray]) -> Iterator[list[Detection]]:
        """One face a picture, see `face_crop`."""
        return ([face_crop(picture.shape[:2])] for picture in pictures)


def parse_region(text: str, sizes: Sequence[tuple[int, int]]) -> list[list[Detection]]:
    """Read the region text of Detect Faces.

    One face per line: ten numbers are five points "x y" (left eye, right eye, nose, left and right corner of the mouth,
    as seen in the picture), four are a box "x0 y0 x1 y1", all in pixels, separated by spaces, commas or semicolons.
    A line "image 2" starts the faces of the second image; lines before it belong to the first.

    Args:
        text: what the user wrote.
        sizes: (height, width) of every image.

    Returns:
        The faces of every image, in the order of the lines.

    Raises:
        InvalidSettingError: naming the line that cannot be read; if there are too many lines, or too many faces of a picture.
    """
    faces: list[list[Detection]] = [[] for _ in sizes]
    image_index = 0
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        raise InvalidSettingError(
            f"region has {len(lines):,} lines; write at most {MOST_LINES:,}, or look for the faces with a detector."
        )
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        if not line:
            continue
        if section := SECTION.fullmatch(line):
            image_index = int(section[1]) - 1 if len(section[1]) <= MOST_DIGITS else len(sizes)
            if not 0 <= image_index < len(sizes):
                raise InvalidSettingError(
                    f'Line {number} of region says "{line}", but there are {len(sizes)} images; count them from 1.'
                )
            continue
        if len(faces[image_index]) == MOST_FACES:
            raise InvalidSettingError(
                f"Line {number} of region is face {MOST_FACES + 1} of image {image_index + 1}; write at most {MOST_FACES} a picture."
            )
        faces[image_index].append(_face(line, number, sizes[image_index]))
    if not any(faces):
        raise InvalidSettingError(
            'region is empty, but detector "given region" needs it; write one line per face: 10 numbers (five points '
            "x y) or 4 numbers (box x0 y0 x1 y1)."
        )
    return faces


def face_crop(size: tuple[int, int]) -> Detection:
    """The face of a picture that is an aligned face crop already.

    The ArcFace template lies in the middle of the picture, as large as its shorter side allows, so that a square crop
    is aligned to itself.

    Args:
        size: (height, width) of the picture.
    """
    height, width = size
    side = min(height, width)
    offset = np.array([(width - side) / 2, (height - side) / 2])
    points = (template(side) + offset).astype(np.float32)
    return Detection(np.array([0, 0, width, height], np.float32), points, 1.0)


def _face(line: str, number: int, size: tuple[int, int]) -> Detection:
    parts = [part for part in re.split(r"[\s,;]+", line) if part]
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = [math.nan]
    if not all(map(math.isfinite, values)):
        raise InvalidSettingError(
            f'Line {number} of region is "{line}", which is neither numbers nor "image" and a number; write 10 numbers '
            "(five points x y) or 4 numbers (box x0 y0 x1 y1)."
        )
    if len(values) == POINTS:
        detection = _from_points(np.array(values, np.float32).reshape(5, 2), number)
    elif len(values) == BOX:
        detection = _from_box(values, number)
    else:
        raise InvalidSettingError(
            f"Line {number} of region has {len(values)} numbers; write 10 (five points x y) or 4 (box x0 y0 x1 y1)."
        )
    height, width = size
    x0, y0, x1, y1 = detection.box
    if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
        raise InvalidSettingError(
            f"Line {number} of region lies outside its picture of {width}×{height} pixels; give pixels of that picture."
        )
    return detection


def _from_points(points: np.ndarray, number: int) -> Detection:
    """The box is the upright square around the template's square, brought to the points."""
    try:
        matrix = similarity_matrix(points, TEMPLATE_SIZE)
    except InvalidSettingError as error:
        raise InvalidSettingError(f"Line {number} of region: {error}") from error
    scale = math.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if scale < 1e-6:
        raise InvalidSettingError(f"Line {number} of region: the five points do not form a face; check their order.")
    middle = np.linalg.solve(matrix[:, :2], np.full(2, TEMPLATE_SIZE / 2) - matrix[:, 2])
    half = TEMPLATE_SIZE / scale / 2
    return Detection(np.concatenate((middle - half, middle + half)).astype(np.float32), points, 1.0)


def _from_box(values: list[float], number: int) -> Detection:
    """The points are the template's, its square as large as the box's longer side and in the middle of the box."""
    x0, y0, x1, y1 = values
    if x1 <= x0 or y1 <= y0:
        raise InvalidSettingError(
            f"Line {number} of region is the box {x0:g} {y0:g} {x1:g} {y1:g}, which is empty; give x0 y0 x1 y1 with "
            "x1 > x0 and y1 > y0."
        )
    side = max(x1 - x0, y1 - y0)
    corner = np.array([(x0 + x1 - side) / 2, (y0 + y1 - side) / 2])
    points = (template(1) * side + corner).astype(np.float32)
    return Detection(np.array(values, np.float32), points, 1.0)
