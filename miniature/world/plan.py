"""Everything that decides a picture before a pixel is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .backdrop import PERIOD, TILT, Backdrop
from .chance import Numbers, draw_portraits, draw_scenes
from .facts import ACCESSORIES, PATTERNS, Facts
from .layout import ALONE, LAYOUTS, PORTRAIT, SCENES, SHIFT
from .palette import CLOTHING_NAMES, TINT_NAMES
from .people.appearance import CLOSED, GAIN, GAZE, LIFT, OPENING, SCALE, SLOPE, SMILE, TURN, WARMTH, Light, Pose
from .people.identity import codes_of

PLAIN = 0.6  # share of the people without an accessory
NOBODY = -1


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Plan:
    """Pictures to be drawn.

    Attributes:
        codes: who is in them from left to right, (B, N, 7) int64; -1 where there is nobody.
        facts: what captions may say.
        phrasing: numbers 0–1 that choose how captions say it, (B, `chance.PHRASES`).
        layout: number of the layout in `LAYOUTS`, (B,) int64.
        pose: of the people, (B, N) each.
        light: (B,) each.
        backdrop: (B,) each.
    """

    codes: Tensor
    facts: Facts
    phrasing: Tensor
    layout: Tensor
    pose: Pose
    light: Light
    backdrop: Backdrop


def plan_scenes(
    seed: int, indices: Sequence[int], people: tuple[int, int], pool: Tensor, codes: Tensor | None = None
) -> Plan:
    """Return plans of pictures with some people.

    Args:
        seed: of the world.
        indices: numbers of the pictures.
        people: fewest and most people in a picture; N is the most.
        pool: numbers of the identities that may occur, (I,) int64.
        codes: the people, (B, N, 7) int64; drawn from the pool by default.
    """
    numbers = draw_scenes(seed, indices, people[1])
    count = people[0] + _choice(numbers.picture["people"], people[1] - people[0] + 1)
    variants, first = torch.tensor([(len(layouts), LAYOUTS.index(layouts[0])) for layouts in SCENES]).unbind(-1)
    layout = first[count - 1] + _choice(numbers.picture["layout"], variants[count - 1])
    return _plan(numbers, count, layout, _people(numbers, pool) if codes is None else codes)


def plan_portraits(
    seed: int, indices: Sequence[int], people: int, pool: Tensor, codes: Tensor | None = None, take: int = 0
) -> Plan:
    """Return plans of portraits of the people of `plan_scenes`, (B·N) in their order.

    Pose, expression and light differ from those of the scene by at least a quarter of their range.

    Args:
        seed: of the world.
        indices: numbers of the scenes.
        people: N, the most people in a scene.
        pool: numbers of the identities that may occur, (I,) int64.
        codes: the people of the scenes, (B, N, 7) int64; drawn from the pool by default.
        take: which of many portraits of each person.
    """
    scenes = draw_scenes(seed, indices, people)
    codes = _people(scenes, pool) if codes is None else codes
    ones = torch.ones(len(indices) * people, dtype=torch.int64)
    layout = ones * LAYOUTS.index(PORTRAIT)
    return _plan(draw_portraits(seed, indices, scenes, take), ones, layout, codes.flatten(0, 1)[:, None])


def _people(numbers: Numbers, pool: Tensor) -> Tensor:
    return codes_of(pool[_choice(numbers.person["identity"], len(pool))])


def _choice(number: Tensor, count: Tensor | int) -> Tensor:
    """Return a whole number from 0 to below `count`."""
    return (number * count).long()


def _between(number: Tensor, low: float, high: float) -> Tensor:
    return low + number * (high - low)


def _either_way(number: Tensor, most: float) -> Tensor:
    return _between(number, -most, most)


def _plan(numbers: Numbers, count: Tensor, layout: Tensor, codes: Tensor) -> Plan:
    person, picture = numbers.person, numbers.picture
    absent = torch.arange(codes.shape[1]) >= count[:, None]
    worn = (person["accessory"] - PLAIN).clamp(min=0) / (1 - PLAIN)
    accessory = torch.where(person["accessory"] < PLAIN, 0, 1 + _choice(worn, len(ACCESSORIES) - 1))
    side = layout - LAYOUTS.index(ALONE[0])
    pattern, tint = _choice(picture["pattern"], len(PATTERNS)), _choice(picture["tint"], len(TINT_NAMES))
    return Plan(
        codes=codes.masked_fill(absent[..., None], NOBODY),
        facts=Facts(
            people=count,
            pattern=pattern,
            tint=tint,
            side=side.where((side >= 0) & (side < len(ALONE)), NOBODY),
            clothing=_choice(person["clothing"], len(CLOTHING_NAMES)).masked_fill(absent, NOBODY),
            accessory=accessory.masked_fill(absent, NOBODY),
        ),
        phrasing=numbers.phrasing,
        layout=layout,
        pose=_pose(person, layout),
        light=Light(
            gain=_between(picture["gain"], *GAIN),
            warmth=_either_way(picture["warmth"], WARMTH),
            slope=_either_way(picture["slope"], SLOPE),
        ),
        backdrop=Backdrop(
            pattern=pattern,
            tint=tint,
            period=_between(picture["period"], *PERIOD),
            turn=_either_way(picture["tilt"], math.radians(TILT)),
            shift=torch.stack((picture["shift_x"], picture["shift_y"]), -1),
        ),
    )


def _pose(person: dict[str, Tensor], layout: Tensor) -> Pose:
    middles = torch.zeros(len(LAYOUTS), max(len(each.places) for each in LAYOUTS), 2, dtype=torch.float64)
    for number, each in enumerate(LAYOUTS):
        middles[number, : len(each.places)] = torch.tensor(each.places, dtype=torch.float64)
    scale = torch.tensor([each.scale for each in LAYOUTS], dtype=torch.float64)[layout][:, None]
    people = person["x"].shape[1]
    opens = (person["opening"] - CLOSED) / (1 - CLOSED)
    return Pose(
        x=middles[layout, :people, 0] + _either_way(person["x"], SHIFT),
        y=middles[layout, :people, 1] + _either_way(person["y"], SHIFT),
        scale=scale * (1 + _either_way(person["scale"], SCALE)),
        turn=_either_way(person["turn"], math.radians(TURN)),
        smile=_between(person["smile"], *SMILE),
        opening=torch.where(opens > 0, _between(opens, *OPENING), 0.0),
        lift=_either_way(person["lift"], LIFT),
        gaze_x=_either_way(person["gaze_x"], GAZE[0]),
        gaze_y=_either_way(person["gaze_y"], GAZE[1]),
    )
