"""People's names on a picture, on dark plates that stay inside it and off each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..images.contact_sheet import fit_text

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

GROUND, INK = (24, 24, 24, 200), (245, 245, 245, 255)
WIDEST = 0.6  # of the picture's width

Box = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class NamePlate:
    """A name and where it belongs.

    Attributes:
        name: of the person.
        middle: (y, x) of the plate, pixels.
        colour: of the person, RGB, 0–255.
    """

    name: str
    middle: tuple[int, int]
    colour: tuple[int, int, int]


def draw_name_plates(picture: Image, plates: Sequence[NamePlate], size: int) -> Image:
    """Return a picture with names on it; a plate that would cover another is moved below it, or above at the bottom.

    Args:
        picture: RGB.
        plates: what to write.
        size: of the letters, pixels.
    """
    from PIL import Image, ImageDraw, ImageFont

    layer = Image.new("RGBA", picture.size)
    pen = ImageDraw.Draw(layer)
    font = ImageFont.load_default(size)
    taken: list[Box] = []
    for plate in plates:
        name = fit_text(plate.name, font, picture.width * WIDEST)
        box = place_box(_box_of(name, font, plate.middle, size), taken, picture.size)
        taken.append(box)
        pen.rounded_rectangle(box, size // 3, fill=GROUND, outline=plate.colour, width=max(1, size // 10))
        pen.text(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), name, fill=INK, font=font, anchor="mm")
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def place_box(box: Box, taken: Sequence[Box], size: tuple[int, int]) -> Box:
    """Return a box as near to its place as it can be, inside of the picture and off the others where there is room.

    Args:
        box: where it would be.
        taken: the others.
        size: width and height of the picture.
    """
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    left = max(0, min(left, size[0] - width))
    tops = [top, *(other[3] + 1 for other in taken), *(other[1] - height - 1 for other in taken)]
    inside = [max(0, min(each, size[1] - height)) for each in tops]
    free = [each for each in inside if not any(_meet((left, each, left + width, each + height), o) for o in taken)]
    chosen = min(free or inside[:1], key=lambda each: abs(each - top))
    return left, chosen, left + width, chosen + height


def _meet(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _box_of(name: str, font: FreeTypeFont | ImageFont, middle: tuple[int, int], size: int) -> Box:
    width, height = round(font.getlength(name)) + size, round(size * 1.5)
    left, top = middle[1] - width // 2, middle[0] - height // 2
    return left, top, left + width, top + height
