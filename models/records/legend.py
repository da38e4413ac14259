"""A strip below a picture that says what its colours mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..images.contact_sheet import fit_text

if TYPE_CHECKING:
    from PIL.Image import Image

GROUND, INK = (24, 24, 24), (235, 235, 235)
LETTERS = 24  # on a picture's width: 12 pixels high where it is shown 300 wide
SMALLEST_LETTERS = 12  # pixels


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
