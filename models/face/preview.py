"""Pictures that show which faces were found, their numbers, and which were taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from ..errors import MissingPackageError
from ..images.contact_sheet import contact_sheet
from ..images.layout import images_from_arrays
from .alignment import CROP_SIZE
from .types import Face, FaceSet

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

LONGEST, SHORTEST = 1024, 512  # pixels; the longer side of a preview lies between them
OVERSAMPLING = 2  # Pillow's lines have no antialiasing

TAKEN = (56, 217, 120)
OTHER = (235, 235, 235)
OUTLIER = (245, 72, 72)
INK = (16, 16, 16)
WARNING = (255, 176, 32)


@dataclass(frozen=True, eq=False, slots=True)
class Mark:
    """What the preview says about a face that was taken.

    Attributes:
        face: which.
        note: behind its number.
        is_outlier: whether it is red, for it is unlike the other faces.
    """

    face: Face
    note: str
    is_outlier: bool = False


def preview_tensor(faces: FaceSet, marks: Sequence[Mark] = ()) -> Tensor:
    """The preview as IMAGE.

    Every picture with the faces that were found: numbered in the order that was asked for, from 1;
    taken ones green, with their five points. Pictures of different sizes become one contact sheet.

    Args:
        faces: the faces.
        marks: what is said about some of those that were taken.

    Returns:
        (B, H, W, 3) float32, 0–1; B is the number of pictures, or 1 for a contact sheet.
    """
    pictures = [_drawn(faces, number, {id(mark.face): mark for mark in marks}) for number in range(len(faces.images))]
    arrays = [np.asarray(picture) for picture in pictures]
    if len({array.shape for array in arrays}) > 1:
        arrays = [contact_sheet(arrays, [f"image {number}" for number in range(1, len(arrays) + 1)])]
    return images_from_arrays(arrays)


def photo_tensors(faces: FaceSet) -> list[Tensor]:
    """The pictures as they are, in the size of the preview, for who draws faces over them; (1, H, W, 3) each, 0–1."""
    return [images_from_arrays([np.asarray(_resized(image))]) for image in faces.images]


def crops_tensor(faces: FaceSet) -> Tensor:
    """The aligned crops of the faces taken as IMAGE.

    Args:
        faces: the faces.

    Returns:
        (number of faces, 224, 224, 3) float32, 0–1; one black crop if nobody was taken, because an IMAGE is never empty.
    """
    nobody = np.zeros((CROP_SIZE, CROP_SIZE, 3), np.uint8)
    return images_from_arrays([face.crop for face in faces.faces] or [nobody])


def _resized(image: np.ndarray) -> Image:
    """A picture whose longer side is neither too long nor too short."""
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingPackageError(
            f"The preview needs the package pillow, which could not be imported ({error}); install it with: "
            "pip install pillow"
        ) from error
    picture = Image.fromarray(image)
    longer = max(picture.size)
    scale = min(max(longer, SHORTEST), LONGEST) / longer
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _drawn(faces: FaceSet, number: int, marks: Mapping[int, Mark]) -> Image:
    """One picture with its faces."""
    picture = _resized(faces.images[number])
    from PIL import Image, ImageDraw

    size = picture.size
    large = (size[0] * OVERSAMPLING, size[1] * OVERSAMPLING)
    canvas = picture.resize(large, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(canvas)
    found = faces.of_image(number)
    taken = {id(face) for face in faces.faces}
    for place, face in reversed(list(enumerate(found))):  # low numbers on top
        if id(face) not in taken:
            _draw_face(draw, face, place, canvas.size, is_taken=False)
    for place, face in reversed(list(enumerate(found))):
        if id(face) in taken:
            _draw_face(draw, face, place, canvas.size, is_taken=True, mark=marks.get(id(face)))
    if not any(id(face) in taken for face in found):
        unit = _unit(canvas.size)
        _draw_tag(draw, "no face" if not found else "none taken", (unit, unit), WARNING, 7 * unit, canvas.size)
    return canvas.resize(size, Image.Resampling.BOX)


def _draw_face(
    draw: ImageDraw, face: Face, place: int, size: tuple[int, int], *, is_taken: bool, mark: Mark | None = None
) -> None:
    height, width = face.image_size
    ratio = np.array([size[0] / width, size[1] / height])
    unit = _unit(size)
    colour = OUTLIER if mark is not None and mark.is_outlier else TAKEN if is_taken else OTHER
    tag = f"{place + 1}" if mark is None else f"{place + 1}  {mark.note}"
    line = unit if is_taken else max(2, round(unit * 0.6))
    edges = [float(edge) for edge in face.box * np.tile(ratio, 2)]
    outer = (edges[0] - unit / 2, edges[1] - unit / 2, edges[2] + unit / 2, edges[3] + unit / 2)
    draw.rectangle(outer, outline=INK, width=line + unit)
    draw.rectangle(edges, outline=colour, width=line)
    if is_taken:
        for x, y in face.points * ratio:
            draw.ellipse((x - 1.5 * unit, y - 1.5 * unit, x + 1.5 * unit, y + 1.5 * unit), fill=INK)
            draw.ellipse((x - unit, y - unit, x + unit, y + unit), fill=colour)
    shorter = min(edges[2] - edges[0], edges[3] - edges[1])
    letters = min(max(shorter * 0.22, 5 * unit), 9 * unit)
    _draw_tag(draw, tag, (edges[0], edges[1]), colour, letters, size)


def _draw_tag(
    draw: ImageDraw,
    text: str,
    corner: tuple[float, float],
    colour: tuple[int, int, int],
    letters: float,
    size: tuple[int, int],
) -> None:
    """A filled label whose lower left corner sits on `corner`, or below it where there is no room above."""
    from PIL import ImageFont

    font = ImageFont.load_default(size=letters)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    gap = letters * 0.28
    width, height = max(right - left, letters * 0.5) + 2 * gap, letters * 0.75 + 2 * gap
    x = min(max(corner[0], 0), size[0] - width)
    y = corner[1] - height if corner[1] >= height else min(max(corner[1], 0), size[1] - height)
    draw.rectangle((x, y, x + width, y + height), fill=colour, outline=INK, width=max(1, round(letters * 0.06)))
    middle = (x + width / 2 - (left + right) / 2, y + height / 2 - (top + bottom) / 2)
    draw.text(middle, text, fill=INK, font=font)


def _unit(size: tuple[int, int]) -> int:
    """Width of a bold line, pixels."""
    return max(2, round(max(size) / 220))
