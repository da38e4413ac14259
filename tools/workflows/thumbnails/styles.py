"""What thumbnails show of a style: a mosaic, a picture in it, and a card with a text."""

from __future__ import annotations

from PIL import Image, ImageDraw

SIDE = 512
TILES, JOINT = 42, (58, 52, 60)  # along a side of a mosaic; the colour between its tiles
SKY, SUN, SEA, HILL, CARD, INK = (
    (246, 190, 120),
    (250, 232, 150),
    (52, 104, 150),
    (120, 66, 96),
    (244, 242, 236),
    (90, 90, 98),
)


def mosaic(picture: Image.Image, amount: float = 1.0) -> Image.Image:
    """Lay a picture of tiles.

    Args:
        picture: RGB, square.
        amount: 0–1; 0 is the picture as it is.
    """
    if not amount:
        return picture
    side = picture.width
    tiles = picture.resize((TILES, TILES), Image.Resampling.BOX).resize(picture.size, Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(tiles)
    for place in range(TILES + 1):
        at = place * side // TILES
        pen.line((at, 0, at, side), fill=JOINT)
        pen.line((0, at, side, at), fill=JOINT)
    return Image.blend(picture, tiles, amount)


def style_picture() -> Image.Image:
    """A landscape in mosaic, which goes in as the style."""
    picture = Image.new("RGB", (SIDE, SIDE), SKY)
    pen = ImageDraw.Draw(picture)
    pen.ellipse((SIDE * 0.55, SIDE * 0.12, SIDE * 0.85, SIDE * 0.42), fill=SUN)
    pen.rectangle((0, SIDE * 0.62, SIDE, SIDE), fill=SEA)
    pen.polygon([(0, SIDE * 0.8), (SIDE * 0.3, SIDE * 0.35), (SIDE * 0.62, SIDE * 0.8)], fill=HILL)
    return mosaic(picture.resize((SIDE // 2, SIDE // 2), Image.Resampling.BOX)).resize((SIDE, SIDE))


def card() -> Image.Image:
    """A card with lines of writing, which goes in as a text."""
    picture = Image.new("RGB", (SIDE, SIDE), CARD)
    pen = ImageDraw.Draw(picture)
    for row, length in enumerate((0.8, 0.7, 0.76, 0.4)):
        top = SIDE * (0.2 + 0.17 * row)
        pen.rectangle((SIDE * 0.1, top, SIDE * (0.1 + length), top + SIDE * 0.07), fill=INK)
    return picture
