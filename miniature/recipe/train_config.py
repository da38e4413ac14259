"""How a network of the recipe is trained: its seed, steps, rows and rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...models.errors import InvalidSettingError
from ...training.batches.draws import Draws


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """How a network is trained: the same for every network of the recipe.

    Attributes:
        seed: of everything random.
        steps: optimizer steps.
        batch: rows per step.
        learning_rate: at its highest; it rises in a straight line and falls as a cosine to 0.
        warmup: steps until then.
        decay: of the running average of the weights.
        save_every: steps from one checkpoint to the next.

    Raises:
        InvalidSettingError: if the rate would never get to its highest.
    """

    seed: int
    steps: int
    batch: int
    learning_rate: float
    warmup: int = 100
    decay: float = 0.998
    save_every: int = 250

    def __post_init__(self) -> None:
        if not 0 <= self.warmup < self.steps:
            raise InvalidSettingError(
                f"A training of {self.steps} steps cannot warm up for {self.warmup}; choose fewer steps of warm-up."
            )

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / (self.warmup + 1)
        share = (step - self.warmup) / (self.steps - self.warmup)
        return self.learning_rate * (1 + math.cos(math.pi * share)) / 2

    def draws(self, step: int) -> Draws:
        """Return the random numbers of a step; its rows are counted over the whole training."""
        return Draws(self.seed, tuple(range(step * self.batch, (step + 1) * self.batch)))
