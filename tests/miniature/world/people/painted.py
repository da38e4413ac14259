"""One person on a square of pixels, for whatever paints a part of them."""

from __future__ import annotations

import torch
from likeness.miniature.world.people.appearance import Pose
from likeness.miniature.world.people.person import Coordinates, Person

SIZE = 128
SCALE = 0.3  # half a head's height, share of the square
MIDDLE = 0.5
WHOLE = (slice(0, SIZE), slice(0, SIZE))


def pose_of(**changed):
    """Somebody in the middle, upright and with a closed mouth, but for what is changed."""
    still = dict.fromkeys(("turn", "opening", "lift", "gaze_x", "gaze_y"), 0.0)
    values = {"x": MIDDLE, "y": MIDDLE, "scale": SCALE, "smile": 0.5, **still, **changed}
    return Pose(**{name: torch.tensor([value]).double() for name, value in values.items()})


def person_of(codes=(0, 1, 2, 0, 2, 0, 1), *, clothing=0, accessory=0, **changed):
    return Person(
        codes=torch.tensor([codes]),
        clothing=torch.tensor([clothing]),
        accessory=torch.tensor([accessory]),
        pose=pose_of(**changed),
    )


def pixels_of(person):
    return Coordinates.of(person.pose, WHOLE, SIZE)


def middle_of(mask):
    """Where a mask (1, S, S) lies in the face, x and y in units of half a head's height."""
    at = ((torch.arange(SIZE) + 0.5) / SIZE - MIDDLE) / SCALE
    [shares] = mask / mask.sum()
    return float(shares.sum(0) @ at), float(shares.sum(1) @ at)


def shown(layers, *regions):
    """What layers of some regions cover together, the most of each pixel, (1, S, S)."""
    return torch.stack([layer.coverage for layer in layers if layer.region in regions]).amax(0)
