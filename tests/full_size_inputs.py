"""The pictures that full-size workflows load, drawn or free of rights, and where the faces in them are."""

from __future__ import annotations

from pathlib import Path

from likeness.tools.portraits import Portrait, astronaut, drawing
from PIL import Image

LIKE_THE_FIRST = ("poses.png", "style.png", "view-1.png", "view-2.png")  # pictures that show person 1 too
GROUP = "group.png"


def write_inputs(folder: Path, side: int) -> dict[str, str]:
    """Write every picture into a folder.

    Args:
        folder: ComfyUI's input folder.
        side: of the group photo and its masks, pixels.

    Returns:
        From file name to the points of the faces in it as Add Person takes them, a line each; masks have none.
    """
    portraits = {"person-1.png": astronaut(), "person-2.png": drawing(1), "person-3.png": drawing(2)}
    portraits |= dict.fromkeys(LIKE_THE_FIRST, portraits["person-1.png"])
    for name, portrait in portraits.items():
        portrait.picture.save(folder / name)
    group, points = beside_each_other(portraits["person-1.png"], portraits["person-2.png"], side)
    group.save(folder / GROUP)
    for number, left in ((1, side // 2), (2, 0)):  # the right one first: Match People has something to do
        mask = Image.new("RGB", group.size)
        mask.paste((255, 255, 255), (left, 0, left + side // 2, side))
        mask.save(folder / f"mask-{number}.png")
    return {name: portrait.region for name, portrait in portraits.items()} | {GROUP: points}


def beside_each_other(left: Portrait, right: Portrait, side: int) -> tuple[Image.Image, str]:
    """Two portraits as one square picture, and the points of both."""
    half, picture, lines = side // 2, Image.new("RGB", (side, side), "grey"), list[str]()
    for start, portrait in ((0, left), (half, right)):
        scale = half / portrait.picture.width
        picture.paste(portrait.picture.resize((half, half)), (start, half // 2))
        points = [(x * scale + start, y * scale + half // 2) for x, y in portrait.points]
        lines.append(" ".join(f"{value:g}" for point in points for value in point))
    return picture, "\n".join(lines)
