"""Eyes, nose, mouth and what else is small in a face, as layers of colour from front to back."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from .. import palette
from ..facts import GLASSES
from ..regions import Region
from ..shapes import band, cover, disc, oval, pixelwise
from .anatomy import BROW_Y, EYE_X, EYE_Y, HEADS, MOLE_SIZE, MOLES, MOUTH_Y, MOUTHS, NOSE_Y
from .identity import EYES, FACE, HAIR_COLOUR, MOLE, MOUTH, SKIN
from .person import Coordinates, Layer, Person, measures


class Features:
    """What is small in a face.

    Args:
        person: whose.
        at: the pixels to paint.
    """

    def __init__(self, person: Person, at: Coordinates) -> None:
        self._person, self._at, self._scale = person, at, at.scale
        self._eye = at.x - at.x.sign().mul_(EYE_X), at.y - EYE_Y
        self._skin = palette.SKIN[person.codes[:, SKIN]]

    def above_hair(self) -> Iterator[Layer]:
        """Yield what lies in front of the hair."""
        x, y = self._eye
        rims = cover(band(disc(x, y, 0.25), 0.022), self._scale)
        bridge = cover(torch.maximum(self._at.aside - 0.08, band(y + 0.03, 0.02)), self._scale)
        worn = pixelwise(self._person.accessory == GLASSES)
        yield Layer(Region.GLASSES, torch.maximum(rims, bridge).mul_(worn), palette.RED)

    def below_hair(self) -> Iterator[Layer]:
        """Yield what the hair may hide."""
        yield self._brows()
        yield from self._eyes()
        yield from self._mouth()
        yield self._mole()
        yield self._nose()
        yield self._cheeks()

    def _brows(self) -> Layer:
        x = self._at.aside - EYE_X
        y = self._at.y - BROW_Y + pixelwise(self._person.pose.lift) - (x * 1.6 + 0.12) * x
        colour = palette.HAIR[self._person.codes[:, HAIR_COLOUR]] * 0.62
        return Layer(Region.LEFT_BROW, cover(oval(x, y, 0.18, 0.042), self._scale), colour)

    def _eyes(self) -> Iterator[Layer]:
        x, y = self._eye
        pose, size = self._person.pose, measures(HEADS, self._person.codes[:, FACE])["eyes"]
        iris_x, iris_y = x - pixelwise(pose.gaze_x), y - pixelwise(pose.gaze_y)
        white = cover(oval(x, y, 0.18 * size, 0.132 * size), self._scale)
        glint = cover(disc(iris_x + 0.04, iris_y + 0.045, 0.032), self._scale).mul_(white)
        yield Layer(Region.LEFT_EYE, glint, palette.WHITE)
        pupil = cover(disc(iris_x, iris_y, 0.052 * size), self._scale).mul_(white)
        yield Layer(Region.LEFT_EYE, pupil, palette.DARK)
        iris = cover(disc(iris_x, iris_y, 0.118 * size), self._scale).mul_(white)
        yield Layer(Region.LEFT_EYE, iris, palette.EYES[self._person.codes[:, EYES]])
        yield Layer(Region.LEFT_EYE, white, palette.WHITE)
        lash = cover(oval(x, y + 0.024, 0.20 * size, 0.146 * size), self._scale)
        yield Layer(Region.LEFT_EYE, lash, palette.DARK)

    def _mouth(self) -> Iterator[Layer]:
        """Yield lips whose corners stay where they are, whatever the expression."""
        lips, pose = measures(MOUTHS, self._person.codes[:, MOUTH]), self._person.pose
        bulge = 1 - (self._at.x / lips["width"]).square_()
        smile = pixelwise(pose.smile) * lips["width"].square()
        y = (self._at.y - MOUTH_Y).sub_(bulge * smile)
        bulge = torch.minimum(bulge, bulge * 20)  # nothing is left of a strip beyond the corners, however thin it is
        gap = pixelwise(pose.opening)
        colour = palette.mix(self._skin, palette.LIPS, 0.6)

        def strip(top: Tensor, bottom: Tensor) -> Tensor:
            middle, half = (top + bottom) / 2, (bottom - top) / 2
            return cover((y - bulge * middle).abs_().sub_(bulge * half), self._scale)

        line = 0.016
        teeth = strip(-gap / 2, -gap * 0.1).mul_(gap > 0)
        yield Layer(Region.MOUTH, teeth, palette.WHITE)
        yield Layer(Region.MOUTH, strip(-gap / 2 - line, gap / 2 + line), palette.MOUTH_INSIDE)
        yield Layer(Region.UPPER_LIP, strip(-gap / 2 - lips["upper"], -gap / 2), colour)
        yield Layer(Region.LOWER_LIP, strip(gap / 2, gap / 2 + lips["lower"]), palette.mix(colour, palette.WHITE, 0.1))

    def _mole(self) -> Layer:
        mole = measures(MOLES, self._person.codes[:, MOLE])
        spot = cover(disc(self._at.x - mole["x"], self._at.y - mole["y"], MOLE_SIZE), self._scale)
        return Layer(Region.SKIN, spot.mul_(mole["there"]), palette.DARK)

    def _nose(self) -> Layer:
        tip = oval(self._at.x, self._at.y - NOSE_Y, 0.10, 0.065)
        return Layer(Region.NOSE, cover(tip, self._scale), self._skin * palette.SHADE)

    def _cheeks(self) -> Layer:
        blush = oval(self._at.aside - 0.47, self._at.y - 0.28, 0.17, 0.15).mul_(-5).clamp_(0, 0.4)
        return Layer(Region.SKIN, blush, palette.mix(self._skin, palette.BLUSH, 0.5))
