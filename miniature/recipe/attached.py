"""Training of the trainer's methods on the miniature's base."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, cast

from torch import Tensor, nn

from ...diffusers_host.base import Base
from ...training.batches.draws import Draws
from .arithmetic import mixed_precision, plain_attention
from .loop import train
from .train_config import TrainConfig


class Attached(Protocol):
    """A method, a module whose parts sit on a base until it is detached."""

    base: Base

    def __call__(self, batch: Any) -> dict[str, Tensor]:
        """Return the loss of a batch under "loss"."""
        ...

    def detach(self) -> None:
        """Take everything off the base."""
        ...


class Pool(Protocol):
    """Pictures that batches are drawn from."""

    def batch(self, base: Base, draws: Draws) -> Any:
        """Return a batch for these rows of numbers."""
        ...


def train_attached(method: Attached, pool: Pool, config: TrainConfig, folder: Path) -> None:
    """Train a method on pictures of a pool and detach it, whatever happens; raises as `train`.

    Args:
        method: attached to its base.
        pool: of the batches that it takes.
        config: how.
        folder: of the checkpoints.
    """

    def loss(draws: Draws) -> Tensor:
        with mixed_precision():
            return method(pool.batch(method.base, draws))["loss"]

    try:
        with plain_attention(method.base.unet):
            train(config, cast(nn.Module, method), loss, folder)
    finally:
        method.detach()
