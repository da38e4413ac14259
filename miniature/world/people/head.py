"""Hair, face and ears, as layers of colour from front to back."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from .. import palette
from ..facts import HEADBAND
from ..regions import Region
from ..shapes import band, cover, disc, oval, pixelwise, rounded, wave
from .anatomy import HAIRS, HEADS
from .identity import FACE, HAIR, HAIR_COLOUR, SKIN
from .person import Coordinates, Layer, Person, measures


class Head:
    """What is large in a head: the face, the ears and the hair.

    Args:
        person: whose.
        at: the pixels to paint.
    """

    def __init__(self, person: Person, at: Coordinates) -> None:
        self._person, self._at, self._scale = person, at, at.scale
        self._size = measures(HEADS, person.codes[:, FACE])
        self._skin = palette.SKIN[person.codes[:, SKIN]]
        self._hair_colour = palette.HAIR[person.codes[:, HAIR_COLOUR]]
        self._hair = cover(self._hair_outline(), at.scale)
        self._arch = self._arch_edge()

    def above_face(self) -> Iterator[Layer]:
        """Yield the hair in front, and what is worn in it."""
        fringe = self._hair * cover(self._arch.neg(), self._scale)
        yield self._headband()
        yield self._shine(fringe)
        yield Layer(Region.HAIR, fringe, self._hair_colour)

    def below_features(self) -> Iterator[Layer]:
        """Yield the face and the ears."""
        yield from self._face()
        yield self._ears()

    def below_body(self) -> Iterator[Layer]:
        """Yield the hair behind everything."""
        yield Layer(Region.HAIR, self._hair, palette.mix(self._hair_colour, palette.DARK, 0.25))

    def _shine(self, fringe: Tensor) -> Layer:
        gleam = oval(self._at.x + 0.26, self._at.y + 0.86 - self._at.x * 0.35, 0.24, 0.07)
        colour = palette.mix(self._hair_colour, palette.WHITE, 0.5)
        return Layer(Region.HAIR, cover(gleam, self._scale).mul_(fringe).mul_(0.3), colour)

    def _hair_outline(self) -> Tensor:
        """Return the distance to the edge of all hair."""
        shape = measures(HAIRS, self._person.codes[:, HAIR])
        below = self._at.y - torch.minimum(torch.maximum(self._at.y, shape["top"]), shape["bottom"])
        width = self._size["width"] + shape["margin"]
        edge = disc(self._at.aside / width, below / shape["cap"], 1.0)
        return edge.addcmul_(wave(self._at.x * 1.35 + 0.25) * wave(self._at.y * 1.35), shape["curl"])

    def _arch_edge(self) -> Tensor:
        """Return the distance to the edge of the arch through which the face is seen, negative where it is."""
        shape = measures(HAIRS, self._person.codes[:, HAIR])
        y = (self._at.y - shape["arch_y"]).add_(self._at.x * shape["tilt"]).clamp_(max=0)
        return rounded(self._at.x / shape["arch_width"], y / shape["arch_height"], shape["flat"]).sub_(1).mul_(0.3)

    def _headband(self) -> Layer:
        worn = pixelwise(self._person.accessory == HEADBAND)
        strip = band(self._at.y + 0.74 + (self._at.x * self._at.x).mul_(0.22), 0.075)
        return Layer(Region.HAT, cover(strip, self._scale).mul_(self._hair).mul_(worn), palette.WHITE)

    def _face(self) -> Iterator[Layer]:
        head = self._size
        taper = 1 + head["taper"] * self._at.y.clamp(min=0).square_()
        edge = rounded(self._at.aside * taper / head["width"], self._at.y / head["height"], head["squareness"]).sub_(1)
        face = cover(edge * (0.5 * head["width"] / (1 + head["squareness"])), self._scale)
        below_hair = self._arch.mul(5).add_(0.9).clamp_(0, 1)
        rim = edge.mul_(2).add_(0.9).clamp_(0, 1).mul_(0.6)
        yield Layer(Region.SKIN, torch.maximum(below_hair, rim).mul_(0.55).mul_(face), self._skin * palette.SHADE)
        yield Layer(Region.SKIN, face, self._skin)

    def _ears(self) -> Layer:
        ear = oval(self._at.y - 0.06, self._at.aside - self._size["width"], 0.20, 0.13)
        return Layer(Region.LEFT_EAR, cover(ear, self._scale), self._skin * 0.93)
