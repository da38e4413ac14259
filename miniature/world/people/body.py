"""Neck and shirt, as layers of colour from front to back; upright, whatever the head does."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from .. import palette
from ..regions import Region
from ..shapes import cover, oval
from .anatomy import HEADS, NECK_X, SHOULDERS_Y
from .identity import FACE, SKIN
from .person import Coordinates, Layer, Person, measures


def body_layers(person: Person, at: Coordinates) -> Iterator[Layer]:
    """Yield what is seen of somebody below the face, from front to back.

    Args:
        person: whose.
        at: the pixels to paint.
    """
    aside, y = at.upright[0], at.upright[1] - SHOULDERS_Y
    cloth, dark = palette.CLOTHING[person.clothing], 0.8
    edge = oval(aside, (y - 0.75).clamp_(max=0), measures(HEADS, person.codes[:, FACE])["shoulders"], 0.75)
    folds = edge.mul(6).add_(1).clamp_(0, 1).mul_(0.5)
    body = cover(edge, at.scale)
    neck = cover(torch.maximum(at.aside - NECK_X, (y - 0.2).maximum(0.5 - at.y)), at.scale)
    bare = cover(oval(aside, y, NECK_X + 0.1, 0.24), at.scale).mul_(torch.maximum(body, neck))
    collar = cover(oval(aside, y, NECK_X + 0.2, 0.34), at.scale).mul_(body)
    skin = palette.SKIN[person.codes[:, SKIN]] * palette.mix(palette.SHADE, palette.WHITE, 0.3)
    yield Layer(Region.NECK, bare, skin)
    yield Layer(Region.OTHER, collar, cloth * dark)
    yield Layer(Region.OTHER, folds.mul_(body), cloth * dark)
    yield Layer(Region.OTHER, body, cloth)
    yield Layer(Region.NECK, neck, skin)
