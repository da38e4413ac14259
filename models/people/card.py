"""Identity cards: a person as one file, with what encoders said about their photos and, only if asked, the photos.

The file is a function of what is given to `write`: no clock, no random number, no order of a dict; so the same card has the same
bytes on every system. Mask, strength and window belong to a picture and not to a person, and are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from ..errors import InvalidSettingError
from ..images.resampling import resize
from .card_file import read_file, write_file
from .card_people import parse_people, photo_records
from .card_record import (
    FORMAT,
    MOST_ENTRIES,
    MOST_NAME,
    MOST_PARTS,
    MOST_TENSORS,
    VERSION,
    About,
    Fields,
    Made,
    printable,
    read_record,
    write_record,
)
from .carried import Said
from .encodings import EncodingKey
from .person import Person
from .photo import Photo

Keeps = Literal["nothing", "thumbnails", "photos"]
Key: TypeAlias = "EncodingKey | str"
Value: TypeAlias = "Tensor | Said"
THUMBNAIL = 96  # pixels, of the aligned face
NOTHING_SAID = About()


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Card:
    """What a card holds.

    Attributes:
        person: who, with their encodings.
        encodings: all of them, as given to `write`, float32 (pictures and labels uint8).
        about: what the card says about itself.
        made: what each encoding was made with.
    """

    person: Person
    encodings: dict[Key, Value]
    about: About
    made: dict[Key, Made]


def write(
    path: str | PathLike[str],
    person: Person,
    encodings: Mapping[Key, Value],
    *,
    about: About = NOTHING_SAID,
    keeps: Keeps = "nothing",
    made: Mapping[str, Made] | None = None,
) -> None:
    """Write an identity card, whole or not at all.

    Args:
        path: the file; its folder exists, a file of this name is replaced.
        person: who; of mixed people all.
        encodings: what encoders said, see `carried.gather`; any float type becomes float32, uint8 stays.
        about: what the card says about itself.
        keeps: what can be seen of the person on it; by default nothing.
        made: what encoders ran with, by their key; others are noted with the type and device of what they said.

    Raises:
        InvalidSettingError: if there is too much, or something is no number.
        OSError: if the folder cannot be written.
    """
    if len(encodings) > MOST_ENTRIES or len(person.parts) > MOST_PARTS or len(person.name) > MOST_NAME:
        raise InvalidSettingError(
            f"An identity card holds at most {MOST_ENTRIES} encodings of {MOST_PARTS} people and a name of {MOST_NAME} characters, and "
            f"{len(encodings)}, {len(person.parts)} and {len(person.name)} were given; leave some out."
        )
    tensors: dict[str, Tensor] = {}
    entries = [
        _entry(place, key, encodings[key], made or {}, tensors)
        for place, key in enumerate(sorted(encodings, key=_order))
    ]
    people: list[dict[str, Any]] = []
    for number, (part, factor) in enumerate(person.parts):
        photos = photo_records(part, keeps_photos=keeps == "photos")
        for place, photo in enumerate(part.looked):
            for name, picture in _pictures(photo, keeps, part.portrait).items():
                tensors[f"person.{number:03}.photo.{place:03}.{name}"] = torch.from_numpy(np.ascontiguousarray(picture))
        people.append({"name": part.name, "factor": factor, "photos": photos})
    record = {
        "format": FORMAT,
        "version": VERSION,
        "name": person.name,
        "is_mixed": bool(person.mixed),
        "people": people,
        "consent": about.consent,
        "licence": about.licence,
        "created": about.created,
        "encoded_for": sorted(set(about.encoded_for)),
        "encodings": entries,
    }
    write_file(Path(path), tensors, write_record(record))


def read(path: str | PathLike[str]) -> tuple[Person, dict[Key, Value]]:
    """Person and encodings of an identity card, see `read_card`."""
    card = read_card(path)
    return card.person, card.encodings


def read_card(path: str | PathLike[str]) -> Card:
    """Read an identity card. Whatever it holds, nothing but tensors, numbers and texts comes of it.

    Raises:
        MissingModelFileError: if there is no such file.
        CorruptModelFileError: if it is empty, truncated, damaged or text, or holds NaN.
        UnknownCheckpointError: if it is something else, of another version, too large, or not what a card may be.
    """
    path = Path(path)
    tensors, text = read_file(path)
    record = read_record(text, f'The file "{path.name}"')
    encodings: dict[Key, Value] = {}
    made: dict[Key, Made] = {}
    for place, entry in enumerate(record.entries("encodings", MOST_ENTRIES)):
        key = _key(entry)
        encodings[key] = _value(place, entry, tensors)
        made[key] = Made(dtype=entry.text("dtype", MOST_NAME), device=entry.text("device", MOST_NAME))
    known = {
        key: value for key, value in encodings.items() if isinstance(key, EncodingKey) and isinstance(value, tuple)
    }
    about = About(
        consent=record.text("consent"),
        licence=record.text("licence"),
        created=record.text("created"),
        encoded_for=record.texts("encoded_for"),
    )
    parts = parse_people(record, tensors, known, about.encoded_for)
    if tensors:
        raise record.wrong(next(iter(tensors)), "belongs to nothing in it")
    name = record.text("name", MOST_NAME)
    if record.flag("is_mixed"):
        person = Person(name=name, mixed=tuple(parts))
    elif len(parts) == 1:
        person = parts[0][0]
    else:
        raise record.wrong("people", f"has {len(parts)} entries for one person")
    return Card(person=person, encodings=encodings, about=about, made=made)


def _entry(place: int, key: Key, value: Value, made: Mapping[str, Made], tensors: dict[str, Tensor]) -> dict[str, Any]:
    """The record of one encoding; its tensors are added to the others."""
    several = value if isinstance(value, tuple) else (value,)
    if len(several) > MOST_TENSORS or not several:
        raise InvalidSettingError(
            f"An encoding has {len(several)} tensors; an identity card takes 1 to {MOST_TENSORS} of each."
        )
    for number, tensor in enumerate(several):
        tensors[f"encoding.{place:05}.{number:03}"] = _plain(tensor, key)
    first = several[0]
    default = Made(dtype=str(first.dtype).removeprefix("torch."), device=first.device.type)
    how = made.get(key.encoder if isinstance(key, EncodingKey) else key, default)
    named = _order(key)
    if not all(len(each) <= MOST_NAME and printable(each) == each for each in named):
        raise InvalidSettingError(
            f"The name {str(key)[:80]!r} of an encoding is longer than {MOST_NAME} characters or does not print."
        )
    count = len(several) if isinstance(value, tuple) else 0
    return {"key": list(named), "count": count, "dtype": how.dtype, "device": how.device}


def _plain(tensor: Tensor, key: Key) -> Tensor:
    if tensor.dtype != torch.uint8 and not tensor.is_floating_point():
        raise InvalidSettingError(
            f"The encoding {str(key)[:80]!r} is of type {tensor.dtype}; a card takes floats and uint8."
        )
    plain = tensor.detach().to("cpu", torch.uint8 if tensor.dtype == torch.uint8 else torch.float32)
    if plain.dtype != torch.uint8 and not plain.isfinite().all():
        raise InvalidSettingError(
            f"The encoding {str(key)[:80]!r} holds NaN or infinity; look at the node that made it."
        )
    return plain


def _key(entry: Fields) -> Key:
    named = entry.texts("key", 3)
    if len(named) == 1:
        return named[0]
    if len(named) != 3:
        raise entry.wrong("key", f"has {len(named)} texts instead of 3")
    return EncodingKey(*named)


def _value(place: int, entry: Fields, tensors: dict[str, Tensor]) -> Value:
    count = entry.whole("count", MOST_TENSORS)
    names = [f"encoding.{place:05}.{number:03}" for number in range(max(count, 1))]
    missing = next((name for name in names if name not in tensors), None)
    if missing is not None:
        raise entry.wrong(missing, "is missing")
    found = tuple(tensors.pop(name) for name in names)
    return found if count else found[0]


def _order(key: Key) -> tuple[str, ...]:
    return tuple(key) if isinstance(key, EncodingKey) else (key,)


def _pictures(photo: Photo, keeps: Keeps, portrait: np.ndarray | None) -> dict[str, np.ndarray]:
    """The pictures of a photo that are written, by name; a stand-in is never one."""
    found: dict[str, np.ndarray] = {}
    if keeps == "nothing":
        return found
    if photo.stand_in:
        return found if portrait is None else {"thumbnail": portrait}
    if keeps == "photos":
        found["picture"] = photo.picture
    if photo.taken is not None:
        found["thumbnail"] = resize(photo.taken.crop, (THUMBNAIL, THUMBNAIL), "bicubic")
        if keeps == "photos":
            found["crop"] = photo.taken.crop
    return found
