"""The sheet of a thumbnail: portraits above, an arrow, and pictures below."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw

SIDE = 512
LARGE = 362  # of one picture below
SMALL = 98  # of a portrait
GAP = 14
PAPER, ARROW = (28, 28, 32), (235, 235, 240)
MOST_BYTES = 40_000
QUALITIES = (88, 80, 72, 64, 56, 48)


def compose(portraits: Sequence[Image.Image], pictures: Sequence[Image.Image]) -> Image.Image:
    """Put portraits above and pictures below them on one sheet.

    Args:
        portraits: 1 to 4, square.
        pictures: one, or several of one size that stand side by side.

    Returns:
        RGB, 512 × 512.
    """
    sheet = Image.new("RGB", (SIDE, SIDE), PAPER)
    pen = ImageDraw.Draw(sheet)
    left = (SIDE - len(portraits) * (SMALL + GAP) + GAP) // 2
    for portrait in portraits:
        sheet.paste(portrait.resize((SMALL, SMALL), Image.Resampling.LANCZOS), (left, GAP))
        left += SMALL + GAP
    top, middle = 2 * GAP + SMALL - 4, SIDE // 2
    pen.polygon([(middle - 16, top), (middle + 16, top), (middle, top + 16)], fill=ARROW)
    top = SIDE - LARGE - GAP
    side = min(LARGE, (SIDE - GAP * (len(pictures) + 1)) // len(pictures))
    left = (SIDE - len(pictures) * (side + GAP) + GAP) // 2
    for picture in pictures:
        shown = picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
        sheet.paste(shown, (left, top + (LARGE - side) // 2))
        left += side + GAP
    return sheet


def encode_jpeg(sheet: Image.Image) -> bytes:
    """Give a sheet as JPEG of fewer than 40 kB, in the best quality that allows it.

    Raises:
        ValueError: if no quality does.
    """
    for quality in QUALITIES:
        target = BytesIO()
        sheet.save(target, "JPEG", quality=quality, optimize=True)
        if target.tell() < MOST_BYTES:
            return target.getvalue()
    raise ValueError(f"This thumbnail takes more than {MOST_BYTES} bytes even in a low quality; draw less on it.")
