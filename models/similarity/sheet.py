"""Pictures with everybody's face in their colour, and how alike they are."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..images.layout import images_from_arrays
from ..packages import import_package
from ..records.legend import LegendLine, draw_legend, letters_for, rgb_of
from .likeness import ScoredPicture, Scores
from .matching import NOBODY
from .report import caption

STRANGER = (150, 150, 150)
SMALLEST, LARGEST = 384, 1024  # pixels of the longer side


def likeness_sheet(scores: Scores) -> Tensor:
    """Every picture with its faces in boxes and a legend below, the best first, as IMAGE (B, H, W, 3).

    Raises:
        MissingPackageError: without Pillow.
    """
    return images_from_arrays([_sheet(scores, place) for place in scores.order])


def _sheet(scores: Scores, place: int) -> np.ndarray:
    image = import_package("PIL.Image", "fromarray", purpose="The preview of Score Likeness")
    from PIL import ImageDraw, ImageFont

    picture = scores.pictures[place]
    longer = max(picture.picture.shape[:2])
    scale = min(max(SMALLEST / longer, 1.0), LARGEST / longer)
    height, width = (max(1, round(side * scale)) for side in picture.picture.shape[:2])
    sheet = image.fromarray(picture.picture).resize((width, height))
    pen, letters = ImageDraw.Draw(sheet), letters_for(width)
    font = ImageFont.load_default(letters)
    owner = {face: person for person, face in enumerate(picture.owners) if face != NOBODY}
    for number, face in enumerate(picture.faces):
        person = owner.get(number)
        colour = STRANGER if person is None else rgb_of(scores.places[person])
        left, top, right, bottom = (float(edge) * scale for edge in face.box)
        pen.rectangle((left, top, right, bottom), outline=colour, width=max(2, letters // 6))
        name = "stranger" if person is None else scores.people[person].name
        at = (min(max(left, 0), width - 1), max(top, letters))
        pen.text(at, name, fill=colour, font=font, anchor="ls", stroke_width=2, stroke_fill="black")
    legend = draw_legend(_lines(scores, picture, place), width)
    return np.concatenate([np.asarray(sheet), np.asarray(legend)])


def _lines(scores: Scores, picture: ScoredPicture, place: int) -> list[LegendLine]:
    lines = [LegendLine(f"picture {place + 1}  score {picture.score:.2f}")]
    lines += [LegendLine(caption(scores, picture, person), rgb_of(chain)) for person, chain in enumerate(scores.places)]
    blending = "" if picture.blending is None else f"  blending {picture.blending:.2f}"
    return [*lines, LegendLine(f"strangers {len(picture.extra)}{blending}", STRANGER)]
