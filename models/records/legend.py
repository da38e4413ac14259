"""The colours of people, the same in every picture that this pack draws, and the strip below one that says what they mean."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..images.contact_sheet import fit_text

if TYPE_CHECKING:
    from PIL.Image import Image

GOLDEN_ANGLE = 0.381966  # turns of hue between neighbours, so that any number of people stays distinct
FIRST_HUE = 0.58
GROUND, INK = (24, 24, 24), (235, 235, 235)
LETTERS = 24  # on a picture's width: 12 pixels high where it is shown 300 wide
SMALLEST_LETTERS = 12  # pixels


def colour_of(place: int) -> tuple[float, float, float]:
    """Return the colour of the person at a place in the chain, RGB, 0–1."""
    return colorsys.hsv_to_rgb((FIRST_HUE + place * GOLDEN_ANGLE) % 1.0, 0.65, 0.95)


def rgb_of(place: int) -> tuple[int, int, int]:
    """Return that colour as Pillow takes it, RGB, 0–255."""
    red, green, blue = (round(255 * part) for part in colour_of(place))
    return red, green, blue


def hex_of(place: int) -> str:
    """Return that colour as a page takes it, #rrggbb."""
    return "#" + "".join(f"{part:02x}" for part in rgb_of(place))


@dataclass(frozen=True, slots=True)
class LegendLine:
    """A line of the legend.

    Attributes:
        text: what is too long is cut.
        colour: of the square before it, RGB, 0–255; None for a line without one.
    """

    text: str
    colour: tuple[int, int, int] | None = None


def letters_for(width: int) -> int:
    """Return how large letters are, in pixels, that can be read when a picture of a width is shown 300 pixels wide."""
    return max(SMALLEST_LETTERS, round(width / LETTERS))


def draw_legend(lines: Sequence[LegendLine], width: int) -> Image:
    """Return a strip with a line for each entry, as wide as the picture above it."""
    from PIL import Image, ImageDraw, ImageFont

    size = letters_for(width)
    height = round(size * 1.6)
    strip = Image.new("RGB", (width, height * len(lines) + height // 2), GROUND)
    pen = ImageDraw.Draw(strip)
    font = ImageFont.load_default(size)
    for number, line in enumerate(lines):
        middle = height // 4 + number * height + height // 2
        half = size // 2
        if line.colour is not None:
            pen.rectangle((half, middle - half, half + size, middle + half), fill=line.colour)
        pen.text((2 * size, middle), fit_text(line.text, font, width - 3 * size), fill=INK, font=font, anchor="lm")
    return strip
