"""Pictures of different sizes side by side in one."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import MissingPackageError, printable

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

MOST_LETTERS = 2000  # of a line; more than any picture is wide
CELL_SIDES = (256, 512)  # pixels, smallest and largest cell
SHEET_SIDE = 2048  # pixels, aimed at
GROUND = (32, 32, 32)
INK = (235, 235, 235)


def contact_sheet(pictures: Sequence[np.ndarray], captions: Sequence[str], *, columns: int | None = None) -> np.ndarray:
    """All pictures side by side, each in a cell of its own with its caption below.

    Args:
        pictures: (h, w, 3) uint8 each, of any size; none gives one empty cell.
        captions: one for each picture; what is wider than the cell is cut off.
        columns: cells in a row; None makes as many rows as columns.

    Returns:
        (H, W, 3) uint8.

    Raises:
        MissingPackageError: if pillow is not there.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise MissingPackageError(
            f"Drawing previews needs the package pillow, which could not be imported ({error}); install it with: "
            "pip install pillow"
        ) from error
    columns = columns or max(1, math.ceil(math.sqrt(len(pictures))))
    rows = max(1, math.ceil(len(pictures) / columns))
    side = min(max(SHEET_SIDE // columns, CELL_SIDES[0]), CELL_SIDES[1])
    gap, caption = side // 32, side // 14
    pitch = (side + gap, side + caption + 2 * gap)
    sheet = Image.new("RGB", (columns * pitch[0] + gap, rows * pitch[1] + gap), GROUND)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=caption)
    for number, (array, text) in enumerate(zip(pictures, captions, strict=True)):
        picture = Image.fromarray(array)
        scale = side / max(picture.size)
        small = picture.resize(
            (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), Image.Resampling.LANCZOS
        )
        x, y = gap + number % columns * pitch[0], gap + number // columns * pitch[1]
        sheet.paste(small, (x + (side - small.width) // 2, y + (side - small.height) // 2))
        draw.text((x + side / 2, y + side + gap), fit_text(text, font, side), fill=INK, font=font, anchor="ma")
    return np.asarray(sheet)


def fit_text(text: str, font: FreeTypeFont | ImageFont, width: float) -> str:
    """Return a text in one line, with an ellipsis where it gets wider than a number of pixels."""
    text = printable(" ".join(text[:MOST_LETTERS].split()))
    if font.getlength(text) <= width:
        return text

    def cut(end: int) -> str:
        return f"{text[:end].rstrip()}…"

    return cut(max(0, bisect_right(range(len(text)), width, key=lambda end: font.getlength(cut(end))) - 1))
