"""A strip that shows who is in a picture: face, number, name, colour, and how each is placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ..errors import MissingPackageError
from ..face.preview import Mark
from ..images.contact_sheet import fit_text
from ..images.layout import images_from_arrays
from ..records.legend import hex_of, rgb_of
from .person import People, Person
from .photo import Photo

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

WIDTH = 512  # pixels of the strip; a node shows about 300 of them
FACE = 96
GAP = 12
LETTERS = 26
PAPER, INK, PALE = (24, 24, 24), (240, 240, 240), (160, 160, 160)


@dataclass(frozen=True, slots=True)
class Line:
    """What the strip says of one person.

    Attributes:
        person: who.
        state: how they are placed, or why they are not in.
        is_in: whether they act.
    """

    person: Person
    state: str
    is_in: bool = True


def people_strip(lines: Sequence[Line], note: str = "") -> Tensor:
    """The strip as IMAGE, (1, H, 512, 3).

    Args:
        lines: one per person of the chain, in order.
        note: sentences below, one or more lines; may be empty.

    Raises:
        MissingPackageError: without Pillow.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise MissingPackageError(
            'The preview of people needs the package "pillow", which could not be imported; install it with: pip install '
            "pillow"
        ) from error
    font, small = ImageFont.load_default(LETTERS), ImageFont.load_default(LETTERS * 0.8)
    notes = [row for part in note.splitlines() for row in _wrapped(part, small, WIDTH - 2 * GAP)]
    height = GAP + (FACE + GAP) * len(lines) + (len(notes) * LETTERS + GAP if notes else 0)
    strip = Image.new("RGB", (WIDTH, max(height, LETTERS + 2 * GAP)), PAPER)
    pen = ImageDraw.Draw(strip)
    for place, line in enumerate(lines):
        top = GAP + place * (FACE + GAP)
        colour = rgb_of(place) if line.is_in else PALE
        pen.rectangle((GAP - 5, top - 5, GAP + FACE + 4, top + FACE + 4), fill=colour)
        strip.paste(_face(line), (GAP, top))
        left = 2 * GAP + FACE + 8
        pen.text((left, top + 10), fit_text(f"{place + 1}  {line.person.name}", font, WIDTH - left - GAP), INK, font)
        pen.text((left, top + 52), fit_text(line.state, small, WIDTH - left - GAP), colour, small)
    for number, row in enumerate(notes):
        pen.text((GAP, GAP + (FACE + GAP) * len(lines) + number * LETTERS), row, INK, small)
    return images_from_arrays([np.asarray(strip)])


def chain_strip(people: People) -> Tensor:
    """The strip of a chain that no method has taken yet: what each person is made of."""
    return people_strip(chain_lines(people))


def chain_lines(people: People) -> list[Line]:
    """The lines of that strip."""
    lines: list[Line] = []
    for person in people:
        known = sum(photo.taken is not None for photo in person.looked)
        counted = f"{len(person.joined)} of {known}" if len(person.joined) < known else f"{known}"
        photos = f"{counted} photo{'s' if known != 1 else ''}"
        parts = " + ".join(f"{factor:.2g} {part.name}" for part, factor in person.mixed)
        lines.append(Line(person, parts or photos, is_in=person.is_on))
    return lines


def people_records(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """What the page's chips are told of everybody of a chain: {"name", "colour" (#rrggbb), "state", "is_in"}.

    Args:
        lines: one per person of the chain, in order, as the strip shows them.
    """
    return [
        {
            "name": line.person.name,
            "colour": hex_of(place),
            "state": line.state,
            "is_in": line.is_in,
        }
        for place, line in enumerate(lines)
    ]


def weight_marks(photos: Sequence[Photo]) -> tuple[Mark, ...]:
    """What the preview of faces says about photos that were weighed: what each weighs, and red what is unlike the others."""
    return tuple(
        Mark(photo.taken, f"{photo.weight:.2f}" if photo.weight else "left out", photo.is_outlier)
        for photo in photos
        if photo.taken is not None
    )


def card_strip(person: Person, about: Sequence[str]) -> Tensor:
    """The strip of an identity card: who, of how many photos, and what the card says about itself, a line each."""
    count = sum(len(part.looked) for part, _ in person.parts)
    has_photos = all(part.photos for part, _ in person.parts)
    state = f"{count} photo{'s' if count != 1 else ''}{'' if has_photos else ', not in the card'}"
    return people_strip([Line(person, state)], "\n".join(about))


def _face(line: Line) -> Image:
    """The person's first face, grey where they are not in; an outline without one."""
    from PIL import Image

    portrait = line.person.parts[0][0].portrait
    if portrait is None:
        return _outline()
    crop = Image.fromarray(portrait).resize((FACE, FACE), Image.Resampling.LANCZOS)
    return crop if line.is_in else crop.convert("L").convert("RGB")


def _outline() -> Image:
    """Head and shoulders of somebody of whom there is nothing to show."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (FACE, FACE), PAPER)
    pen = ImageDraw.Draw(picture)
    pen.ellipse((FACE * 0.32, FACE * 0.16, FACE * 0.68, FACE * 0.56), fill=PALE)
    pen.ellipse((FACE * 0.12, FACE * 0.64, FACE * 0.88, FACE * 1.5), fill=PALE)
    return picture


def _wrapped(text: str, font: FreeTypeFont | ImageFont, width: int) -> list[str]:
    """The words of a text in lines that are not too wide; a word that is too wide by itself loses its end."""
    rows: list[str] = []
    for word in (fit_text(word, font, width) for word in text.split()):
        longer = f"{rows[-1]} {word}" if rows else word
        if rows and font.getlength(longer) <= width:
            rows[-1] = longer
        else:
            rows.append(word)
    return rows
