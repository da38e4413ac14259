"""The picture under Match People: every region of a picture in the colour of whose it is, with its number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor
from torch.nn.functional import interpolate

from ..images.layout import images_from_arrays
from ..packages import import_package
from ..placement.matching import Matched
from .legend import LegendLine, draw_legend, letters_for, rgb_of

TINT = 0.5  # of the colour over the picture
NOBODY = (150, 150, 150)
PLAIN = 40  # grey of the ground where no picture is known
SMALLEST, LARGEST = 384, 1024  # pixels of the longer side


def matched_sheet(matched: Matched, names: Sequence[str], picture: np.ndarray | None) -> Tensor:
    """Draw the picture with its regions and a legend, as IMAGE (1, H, W, 3).

    Args:
        matched: which region is whose.
        names: of the people.
        picture: (H, W, 3) uint8 RGB; None draws on grey.

    Raises:
        MissingPackageError: without Pillow.
    """
    image = import_package("PIL.Image", "fromarray", purpose="The preview of Match People")
    from PIL import ImageDraw, ImageFont

    size = tuple(matched.regions.shape[-2:]) if picture is None else picture.shape[:2]
    scale = min(max(SMALLEST / max(size), 1.0), LARGEST / max(size))
    height, width = (max(1, round(side * scale)) for side in size)
    ground = np.full((*size, 3), PLAIN, np.uint8) if picture is None else picture
    drawn = np.asarray(image.fromarray(ground).resize((width, height))).astype(np.float32)
    regions = interpolate(matched.regions[None], size=(height, width), mode="area")[0].numpy()
    for region, owner in zip(regions, matched.owners, strict=True):
        colour = np.array(NOBODY if owner < 0 else rgb_of(owner), np.float32)
        share = TINT * region[..., None].clip(0, 1)
        drawn = drawn * (1 - share) + colour * share
    sheet = image.fromarray(drawn.round().astype(np.uint8))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(1.5 * letters_for(width))
    for number, region in enumerate(regions, 1):
        rows, columns = np.nonzero(region >= region.max() / 2)
        place = (float(columns.mean()), float(rows.mean()))
        pen.text(place, str(number), fill="white", font=font, anchor="mm", stroke_width=2, stroke_fill="black")
    legend = draw_legend(_lines(matched, names), width)
    whole = np.concatenate([np.asarray(sheet), np.asarray(legend)])
    return images_from_arrays([whole])


def _lines(matched: Matched, names: Sequence[str]) -> list[LegendLine]:
    lines: list[LegendLine] = []
    for number, (owner, has_face) in enumerate(zip(matched.owners, matched.has_face, strict=True), 1):
        why = "a face" if has_face else "no face seen"
        who = "background" if owner < 0 else names[owner]
        lines.append(LegendLine(f"{number}  {who} ({why})", NOBODY if owner < 0 else rgb_of(owner)))
    nowhere = [name for place, name in enumerate(names) if place not in matched.owners]
    if nowhere:
        lines.append(LegendLine(f"nowhere: {', '.join(nowhere)}"))
    return lines
