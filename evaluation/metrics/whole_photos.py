"""How alike a picture is to the whole photos of its people, whatever encoder looks: CLIP-I and DINO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from .metric import VALUE, Shown
from .remembered import Remembered


class PictureEncoder(Protocol):
    """Gives a picture a direction."""

    @property
    def key(self) -> str:
        """Names the weights."""
        ...

    def of_picture(self, picture: np.ndarray) -> Tensor:
        """The direction of a picture, (H, W, 3) uint8 RGB, of length 1: (E,)."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class LikePhotos:
    """The mean cosine of a picture and the whole photos of its people; a `Metric`.

    Attributes:
        encoder: looks, at each photo once.
        space: the beginning of the key.
    """

    encoder: PictureEncoder
    space: str
    _photos: Remembered = field(default_factory=Remembered)

    @property
    def key(self) -> str:
        """Names the weights."""
        return f"{self.space} {self.encoder.key}"

    def measure(self, shown: Shown) -> Mapping[str, float]:
        """The cosine."""
        look = self.encoder.of_picture
        photos = torch.stack([self._photos.get(photo, look) for some in shown.photos for photo in some])
        return {VALUE: float((photos @ look(shown.picture)).mean())}
