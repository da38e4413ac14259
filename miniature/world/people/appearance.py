"""How somebody looks in one picture: where, how large, with what expression and in what light."""

from __future__ import annotations

from dataclasses import dataclass, fields

from torch import Tensor

TURN = 10.0  # degrees, either way
SCALE = 0.15  # share, either way
LIFT = 0.05  # of the brows, either way, units of half a head
GAZE = (0.045, 0.03)  # either way, the same units
OPENING = (0.06, 0.17)  # of an open mouth, the same units
CLOSED = 0.4  # share of the people with a closed mouth
SMILE = (0.2, 1.1)  # depth of the mouth's bow, in squares of its half width
GAIN = (0.82, 0.97)  # brightest white and strongest light together stay below 1
WARMTH = 0.04  # share by which red gains and blue loses, either way
SLOPE = 0.06  # share by which the light changes from the middle to the left and right edges, either way


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Pose:
    """People in a picture; all (B, N) float64.

    Attributes:
        x: middle of the face, share of the picture's side.
        y: middle of the face, share of the picture's side.
        scale: half a head's height, share of the picture's side.
        turn: radians, clockwise.
        smile: depth of the mouth's bow.
        opening: of the mouth, units of half a head, 0 where it is closed.
        lift: of the brows, same units.
        gaze_x: of the irises, same units.
        gaze_y: of the irises, same units.
    """

    x: Tensor
    y: Tensor
    scale: Tensor
    turn: Tensor
    smile: Tensor
    opening: Tensor
    lift: Tensor
    gaze_x: Tensor
    gaze_y: Tensor

    def of(self, rows: Tensor, place: int) -> Pose:
        """Return one person in some of the pictures, (R,) each."""
        return Pose(**{field.name: getattr(self, field.name)[rows, place] for field in fields(self)})


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Light:
    """The light of a picture; all (B,) float64.

    Attributes:
        gain: of all colours.
        warmth: share by which red gains and blue loses.
        slope: share by which it grows from the middle to the right edge.
    """

    gain: Tensor
    warmth: Tensor
    slope: Tensor
