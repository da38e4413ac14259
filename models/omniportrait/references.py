"""People as OmniPortrait is shown them: square face crops for the pivot, pictures with masks for the guidance."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..errors import InvalidSettingError, require_shape
from ..placement.masks import check_mask

CROP_SIZE = 224  # pixels; that of ViT-L/14
REMEMBERED = 4  # ways in which a picture was read


@dataclass(frozen=True, eq=False, slots=True)
class ReferencePicture:
    """A picture of somebody, whose features are to be matched.

    Attributes:
        latent: as the VAE gives it, (1, C, H, W).
        mask: of the face, (H', W') float, 0–1, of any size.
        read: features of the face, (R, C), by what they were read with; the last four.
    """

    latent: Tensor
    mask: Tensor
    read: OrderedDict[Hashable, Tensor] = field(default_factory=OrderedDict)

    def features(self, key: Hashable, read: Callable[[], Tensor]) -> Tensor:
        """The features under a key, read at the first request."""
        if key not in self.read:
            self.read[key] = read()
            while len(self.read) > REMEMBERED:
                self.read.popitem(last=False)
        return self.read[key]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Person:
    """One person of a chain.

    Attributes:
        name: what messages and records call them.
        crops: of R faces, 1.3 times the face's box, square, (R, 3, 224, 224) float32, 0–1; the pivot reads them.
        pictures: whose features the guidance matches.
        mask: where the person may be, (M, H, W) float, 0–1, of any size; None where something else finds the place.

    Raises:
        ShapeError: if the crops are not squares of that size, or the mask has another number of axes.
        InvalidSettingError: if there is no crop, or the mask is empty or holds NaN.
    """

    name: str
    crops: Tensor
    pictures: tuple[ReferencePicture, ...] = ()
    mask: Tensor | None = None

    def __post_init__(self) -> None:
        require_shape("crops", self.crops, ("R", 3, CROP_SIZE, CROP_SIZE))
        if not len(self.crops):
            raise InvalidSettingError(f'"{self.name}" has no face; connect a photo that shows one.')
        if self.mask is not None:
            object.__setattr__(self, "mask", check_mask(self.mask, self.name))


@dataclass(frozen=True, eq=False, slots=True)
class References:
    """A chain of people; `@id1` in a prompt is the first."""

    people: tuple[Person, ...] = ()

    def add(self, person: Person) -> References:
        """The chain with one more person at its end."""
        return replace(self, people=(*self.people, person))

    def embeddings(self, encoded: Tensor) -> Tensor:
        """One embedding per person, the mean of their crops'.

        Args:
            encoded: of all crops in order, (sum of R, E).

        Returns:
            (N, E).
        """
        parts = encoded.split([len(person.crops) for person in self.people])
        return torch.stack([part.mean(0) for part in parts])
