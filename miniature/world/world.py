"""The world: pictures by their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...models.errors import InvalidSettingError
from .drawing import draw
from .layout import SCENES
from .people.identity import SIZES, Split, identities
from .plan import plan_portraits, plan_scenes
from .scene import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Pictures of drawn people.

    Each is a function of the seed, its number, and who and how many people are asked for; never of the rest of a batch.

    Attributes:
        seed: of the world.
        size: side of the pictures, pixels: a multiple of 8 from 64 up.
        split: whether identities of the training part or held-out ones live in it.
        with_regions: whether pictures bring the mask of every region: 1 MiB per person at 128 pixels.

    Raises:
        InvalidSettingError: if the size or the part is not allowed.
    """

    seed: int
    size: int = 128
    split: Split = "train"
    with_regions: bool = False

    def __post_init__(self) -> None:
        if self.size < 64 or self.size % 8:
            raise InvalidSettingError(
                f"Pictures of {self.size} pixels cannot be drawn; choose a multiple of 8 from 64."
            )
        identities(self.split)

    def scenes(self, indices: Sequence[int], *, people: tuple[int, int] = (1, 1), codes: Tensor | None = None) -> Scene:
        """Return pictures with a background and some people, who stand from left to right.

        Args:
            indices: numbers of the pictures, (B).
            people: fewest and most people in a picture; N is the most.
            codes: who they are, (B, N, 7) int64; drawn from the part of the world by default.

        Raises:
            InvalidSettingError: if so many people do not fit, or the codes do not.
        """
        self._check(indices, people, codes)
        plan = plan_scenes(self.seed, indices, people, identities(self.split), codes)
        return draw(plan, self.size, with_regions=self.with_regions)

    def portraits(
        self, indices: Sequence[int], *, people: int = 1, codes: Tensor | None = None, take: int = 0
    ) -> Scene:
        """Return a large portrait of everybody in `scenes`, with other clothes, pose, expression and light.

        Args:
            indices: numbers of the scenes, (B).
            people: N, the most people in a scene.
            codes: who they are, (B, N, 7) int64; as in `scenes` by default.
            take: which of many portraits of each person.

        Returns:
            B·N pictures with one person each, those of the first scene first; also where a scene shows fewer.

        Raises:
            InvalidSettingError: if so many people do not fit, or the codes do not.
        """
        self._check(indices, (people, people), codes)
        plan = plan_portraits(self.seed, indices, people, identities(self.split), codes, take)
        return draw(plan, self.size, with_regions=self.with_regions)

    def _check(self, indices: Sequence[int], people: tuple[int, int], codes: Tensor | None) -> None:
        if not 1 <= people[0] <= people[1] <= len(SCENES):
            raise InvalidSettingError(
                f"{people} people cannot be drawn; choose fewest and most from 1 to {len(SCENES)}."
            )
        shape = (len(indices), people[1], len(SIZES))
        if codes is not None and codes.shape != shape:
            raise InvalidSettingError(f"The people have codes of shape {tuple(codes.shape)}; give {shape}.")
        if codes is not None and ((codes < 0) | (codes >= torch.tensor(SIZES))).any():
            raise InvalidSettingError(f"The people have a code that no attribute has; give 0 to below {SIZES}.")
