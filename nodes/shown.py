"""What nodes send to the page beside their picture: photos, faces and people, for the views of `web/js/`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from comfy_api.latest import io, ui
from torch import Tensor

from ..models.face.facts import face_facts, small_photo
from ..models.face.types import FaceSet
from ..models.images.layout import images_from_arrays
from ..models.people.person import Person
from ..models.people.preview import Line
from ..models.records.legend import hex_of

MOST_PHOTOS = 24  # that the page's strip shows


def shown_faces(faces: FaceSet, preview: Tensor, cls: type[io.ComfyNode]) -> dict[str, Any]:
    """The picture of a node that finds or picks faces, and what the page's face picker is drawn from.

    Args:
        faces: taken and found.
        preview: the picture, IMAGE.
        cls: the node.

    Returns:
        `likeness_photos`, the first 24 photos as saved pictures with their width and height, pixels, and `likeness_faces`, see
        `models.face.facts.face_facts`, beside the picture; lists only.
    """
    photos = [
        _saved(picture, cls) | {"width": picture.shape[1], "height": picture.shape[0]}
        for picture in faces.images[:MOST_PHOTOS]
    ]
    facts = [fact for fact in face_facts(faces) if fact["image"] < MOST_PHOTOS]
    return {**ui.PreviewImage(preview, cls=cls).as_dict(), "likeness_photos": photos, "likeness_faces": facts}


def shown_people(lines: Sequence[Line], preview: Tensor, cls: type[io.ComfyNode], note: str = "") -> dict[str, Any]:
    """The strip of people under an Apply node, and what the page's chips are drawn from.

    Args:
        lines: one per person of the chain.
        preview: the strip, IMAGE.
        cls: the node.
        note: the sentence below them.

    Returns:
        `likeness_people`, see `told_person`, and `likeness_note`, one text or none, beside the picture; lists only.
    """
    people = [told_person(line, place, cls) for place, line in enumerate(lines)]
    picture = ui.PreviewImage(preview, cls=cls).as_dict()
    return {**picture, "likeness_people": people, "likeness_note": [note] if note else []}


def told_person(line: Line, place: int, cls: type[io.ComfyNode]) -> dict[str, Any]:
    """What the page is told of one person.

    Args:
        line: who, and how they are placed.
        place: in the chain, from 0.
        cls: the node.

    Returns:
        `name`, `number` from 1, `colour` as #rrggbb, `faces` (how many photos show theirs), `strength`, `state` (how they are
        placed, or why they are not in), `is_in`, and `crop`, their face as a saved picture or None.
    """
    portrait = line.person.parts[0][0].portrait
    return {
        "name": line.person.name,
        "number": place + 1,
        "colour": hex_of(place),
        "faces": _count_faces(line.person),
        "strength": line.person.settings.strength,
        "state": line.state,
        "is_in": line.is_in,
        "crop": None if portrait is None else _saved(portrait, cls),
    }


def _count_faces(person: Person) -> int:
    return sum(photo.taken is not None for photo in person.looked)


def _saved(picture: Any, cls: type[io.ComfyNode]) -> dict[str, Any]:
    return dict(ui.PreviewImage(images_from_arrays([small_photo(picture)]), cls=cls).as_dict()["images"][0])
