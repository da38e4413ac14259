"""The random numbers behind pictures: functions of the seed and the picture's number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ...training.batches.draws import Draws

POSE = ("x", "y", "scale", "turn", "smile", "opening", "lift", "gaze_x", "gaze_y")
LIGHT = ("gain", "warmth", "slope")
PERSON = ("identity", "clothing", "accessory", *POSE)
PICTURE = ("people", "layout", "pattern", "tint", "period", "tilt", "shift_x", "shift_y", *LIGHT)
PHRASES = 16  # numbers that choose the words of a caption


@dataclass(frozen=True, eq=False, slots=True)
class Numbers:
    """Numbers from 0 to below 1 by what they decide.

    They are float64, so that what is computed from them is the same float32 however a batch is cut into vectors.

    Attributes:
        person: `PERSON`, (B, N) each.
        picture: `PICTURE`, (B,) each.
        phrasing: (B, `PHRASES`).
    """

    person: dict[str, Tensor]
    picture: dict[str, Tensor]
    phrasing: Tensor


def draw_scenes(seed: int, indices: Sequence[int], people: int) -> Numbers:
    """Return the numbers of scenes.

    Args:
        seed: of the world.
        indices: numbers of the scenes, (B).
        people: N, the most people in a scene; more of them change nothing of the first.
    """
    draws = Draws(seed, tuple(indices))
    person = draws.uniform("people", (people, len(PERSON))).double()
    picture = draws.uniform("picture", (len(PICTURE) + PHRASES,)).double()
    return _named(person, picture)


def draw_portraits(seed: int, indices: Sequence[int], scenes: Numbers, take: int) -> Numbers:
    """Return the numbers of a portrait of everybody in some scenes, (B·N, 1).

    Those of pose and light are at least a quarter away from the scene's, on a circle of length 1.

    Args:
        seed: of the world.
        indices: numbers of the scenes, (B).
        scenes: the numbers of the scenes.
        take: which of many portraits of each person.
    """
    people = scenes.person["x"].shape[1]
    shape = (people, len(PERSON) + len(PICTURE) + PHRASES)
    values = Draws(seed, tuple(indices)).uniform(f"portrait {take}", shape).double().flatten(0, 1)
    drawn = _named(values[:, None, : len(PERSON)], values[:, len(PERSON) :])
    for name in POSE:
        drawn.person[name] = _apart(scenes.person[name].reshape(-1, 1), drawn.person[name])
    for name in LIGHT:
        drawn.picture[name] = _apart(scenes.picture[name].repeat_interleave(people), drawn.picture[name])
    return drawn


def _named(person: Tensor, picture: Tensor) -> Numbers:
    decided, phrasing = picture.split((len(PICTURE), PHRASES), -1)
    return Numbers(
        person=dict(zip(PERSON, person.unbind(-1), strict=True)),
        picture=dict(zip(PICTURE, decided.unbind(-1), strict=True)),
        phrasing=phrasing,
    )


def _apart(value: Tensor, drawn: Tensor) -> Tensor:
    """Return a number that is as likely anywhere on the circle but near another one."""
    return (value + 0.25 + drawn / 2) % 1
