"""The people that sample grids show: names in the configuration to faces of the data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from ..dataset.manifest import PersonRow, Row
from ..dataset.photo import Photo
from ..dataset.rows import RowSource
from ..models.errors import BadImageError, ConfigError
from .batches.face_crops import can_be_aligned, crop_face

Cut = Callable[[Image.Image, PersonRow], np.ndarray]
_WITH_PERSON = re.compile(r"(.+)#([0-9]{1,6})", re.DOTALL)


@dataclass(frozen=True, eq=False, slots=True)
class Reference:
    """A face to draw people like.

    Attributes:
        name: as the configuration says it.
        crop: the face, (224, 224, 3) uint8 RGB, 112 a side for a recogniser.
    """

    name: str
    crop: np.ndarray


def crop_aligned(picture: Image.Image, person: PersonRow) -> np.ndarray:
    """The aligned face of somebody, (224, 224, 3) uint8 RGB."""
    return crop_face(picture, person.points or ())


def find_references(source: RowSource, names: Sequence[str], cut: Cut = crop_aligned) -> tuple[Reference, ...]:
    """Find people in the data, in any of its splits.

    Args:
        source: where rows and pictures come from.
        names: `id` of a row for its first person whose points can be aligned, or `id#person`, counted from 0.
        cut: a picture and somebody in it to their face.

    Returns:
        One for each name, in the same order.

    Raises:
        ConfigError: listing every name that leads to no face, one line each.
    """
    wanted = {_split(name)[0] for name in names}
    # to the end even if all are found: afterwards a source only knows the rows of its last scan
    rows = {
        parsed.row.id: (number, parsed.row)
        for number, parsed in source.scan()
        if parsed.row is not None and parsed.row.id in wanted
    }
    found, faults = list[Reference](), list[str]()
    for name in names:
        try:
            found.append(Reference(name, _crop(source, rows, name, cut)))
        except (ConfigError, BadImageError) as error:
            faults.append(f'[samples] references names "{name}": {error}')
    if faults:
        raise ConfigError("\n".join(faults))
    return tuple(found)


def _split(name: str) -> tuple[str, int | None]:
    """The id of a row, and which person of it, if the name says so."""
    match = _WITH_PERSON.fullmatch(name)
    return (match[1], int(match[2])) if match else (name, None)


def _crop(source: RowSource, rows: Mapping[str, tuple[int, Row]], name: str, cut: Cut) -> np.ndarray:
    row_id, person = _split(name)
    if row_id not in rows:
        raise ConfigError(f'no row without errors has the id "{row_id}"; name one of the manifest.')
    number, row = rows[row_id]
    if person is not None and person >= len(row.persons):
        raise ConfigError(f"the row has {len(row.persons)} persons, counted from 0; name one of them.")
    named = row.persons if person is None else row.persons[person : person + 1]
    found = next((one for one in named if can_be_aligned(one.points)), None)
    if found is None:
        raise ConfigError("there is nobody with five usable face points; name somebody else.")
    try:
        return cut(Photo(partial(source.read, number), row).picture, found)
    except OSError as error:
        raise ConfigError(
            f"{row.image} cannot be read ({error.strerror or error}); put it there or name somebody else."
        ) from error
