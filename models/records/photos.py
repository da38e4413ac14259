"""What the page's face picker is told of a photo: its size, and every face with its box as fractions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..face.preview import Mark
from ..face.types import Detection, Face, FaceSet

MOST_FACES = 500  # of a photo
PLACES = 7  # decimals of a fraction: the page sorts faces as the nodes do


def photo_record(
    size: tuple[int, int], faces: Iterable[Detection | Face], extras: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """One photo: {"width", "height", "faces": [{"box": [x0, y0, x1, y1], "score"}]}.

    Args:
        size: (height, width), pixels.
        faces: in the detector's order, which equal faces keep; those beyond the 500th are left out.
        extras: what more is said of each, in their order.
    """
    height, width = size
    sides = np.array([width, height, width, height], np.float64)
    records: list[dict[str, Any]] = []
    for face in list(faces)[:MOST_FACES]:
        box = np.clip(np.nan_to_num(face.box / sides), 0, 1)
        records.append({"box": [round(float(edge), PLACES) for edge in box], "score": round(float(face.score), 6)})
    for record, extra in zip(records, extras, strict=False):
        record.update(extra)
    return {"width": width, "height": height, "faces": records}


def photo_records(
    faces: FaceSet, marks: Sequence[Mark] = (), colour: tuple[int, int, int] | None = None
) -> list[dict[str, Any]]:
    """The photos of a run: each as `photo_record` has it, with "taken", and "note" and "outlier" where a mark says so.

    Args:
        faces: of all photos.
        marks: what is said about some of those that were taken.
        colour: of the person whose faces they are, RGB, 0–255; None where they are nobody's yet.
    """
    taken = {id(face) for face in faces.faces}
    said = {id(mark.face): {"note": mark.note, "outlier": mark.is_outlier} for mark in marks}
    shown = {} if colour is None else {"colour": "#{:02x}{:02x}{:02x}".format(*colour)}
    records: list[dict[str, Any]] = []
    for number, image in enumerate(faces.images):
        found = sorted(faces.of_image(number), key=lambda face: face.index)
        extras = [{"taken": id(face) in taken, **said.get(id(face), {})} for face in found]
        records.append({**photo_record((image.shape[0], image.shape[1]), found, extras), **shown})
    return records
