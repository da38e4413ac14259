"""Scores in words: a JSON report, and the lines under a picture."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from .calibration import NOT_CALIBRATED
from .likeness import ScoredPicture, Scores
from .matching import NOBODY


def report(scores: Scores) -> str:
    """The report as JSON.

    Pictures are counted from 1 in the order of the batch; `best_first` lists them in order. A face's box is x0 y0 x1 y1 in
    pixels. With DINO everybody has `dino` and `fgis`, null where there is nothing to compare. A percentage is null beside "not calibrated" where its recogniser has no calibration. What is no number is null.
    """
    said = {
        "recognisers": [_recogniser(scores, place) for place in range(len(scores.recognisers))],
        "people": [person.name for person in scores.people],
        "without_a_face": scores.left_out,
        "best_first": [place + 1 for place in scores.order],
        "pictures": [_picture(scores, number) for number in range(len(scores.pictures))],
    }
    return json.dumps(said, indent=2, allow_nan=False)


def caption(scores: Scores, picture: ScoredPicture, person: int) -> str:
    """What the picture says of a person: name, cosine, percentage."""
    name, cosine = scores.people[person].name, picture.cosine(person)
    if cosine is None:
        closest = picture.closest(person)
        return f"{name}  missing" if closest is None else f"{name}  missing, closest {closest:.2f}"
    percentage = scores.recognisers[0].percentage(cosine)
    return f"{name}  {cosine:.2f}  {NOT_CALIBRATED if percentage is None else f'{percentage:.0f} %'}"


def _recogniser(scores: Scores, place: int) -> dict[str, Any]:
    recogniser = scores.recognisers[place]
    published, calibration = recogniser.published, recogniser.calibration
    return {
        "name": recogniser.name,
        "key": recogniser.encoder.key,
        "measure": recogniser.measure,
        "threshold": scores.threshold if place == 0 else None,
        "published_threshold": None if published is None else published.threshold,
        "published_by": None if published is None else published.source,
        "calibration": NOT_CALIBRATED if calibration is None else calibration.source,
    }


def _picture(scores: Scores, number: int) -> dict[str, Any]:
    picture = scores.pictures[number]
    return {
        "picture": number + 1,
        "score": _number(picture.score),
        "people": [_person(scores, picture, person) for person in range(len(scores.people))],
        "missing": [person.name for person, face in zip(scores.people, picture.owners, strict=True) if face == NOBODY],
        "extra_faces": [_box(picture, face) for face in picture.extra],
        "blending": _maybe(picture.blending),
    }


def _person(scores: Scores, picture: ScoredPicture, person: int) -> dict[str, Any]:
    face = picture.owners[person]
    said: dict[str, Any] = {"name": scores.people[person].name, "face": None, "likeness": None}
    if picture.dino:
        said |= {name: _maybe(value) for name, value in asdict(picture.dino[person]).items()}
    if face == NOBODY:
        closest = picture.closest(person)
        return said | {"closest_stranger": _maybe(closest)}
    said["face"] = _box(picture, face)
    said["likeness"] = {
        recogniser.name: _likeness(scores, picture, person, place)
        for place, recogniser in enumerate(scores.recognisers)
    }
    return said


def _likeness(scores: Scores, picture: ScoredPicture, person: int, place: int) -> dict[str, Any]:
    recogniser, found = scores.recognisers[place], picture.likeness[place]
    face = picture.owners[person]
    cosine = float(found.cosines[face, person])
    percentage = recogniser.percentage(cosine)
    said: dict[str, Any] = {
        "cosine": _number(cosine),
        "percentage": None if percentage is None else _number(percentage, 1),
    }
    if percentage is None:
        said["note"] = NOT_CALIBRATED
    if recogniser.measure == "distance":
        said["distance"] = _number(float(found.values[face, person]))
    return said


def _box(picture: ScoredPicture, face: int) -> list[float]:
    return [round(float(edge), 1) for edge in picture.faces[face].box]


def _maybe(value: float | None) -> float | None:
    return None if value is None else _number(value)


def _number(value: float, digits: int = 4) -> float | None:
    return round(value, digits) if math.isfinite(value) else None
