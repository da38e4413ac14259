"""What a training method is to the loop, the sampler and the export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

from torch import Tensor, nn

from ..diffusers_host.base import Base
from .adapter_networks import Weights
from .batches.batch import AnyBatch
from .denoising import Conditioned

B = TypeVar("B", bound=AnyBatch, contravariant=True)


@dataclass(frozen=True, eq=False, slots=True)
class Pace:
    """Parameters that move at a learning rate of their own.

    Attributes:
        factor: on the learning rate of the run.
        parameters: none of them in another pace.
    """

    factor: float
    parameters: Sequence[nn.Parameter]


@runtime_checkable
class Paced(Protocol):
    """A method whose parameters do not all move at the learning rate of the run."""

    def paces(self) -> Iterator[Pace]:
        """All that `trained` gives, divided; the rate of the first is the one that the log tells."""
        ...


class Learner(Protocol[B]):
    """What the loop and the export know of a method: an `nn.Module` whose registered parameters are what is saved and wrapped.

    The frozen base is no sub-module, so no checkpoint holds it. B is the batch that it learns from.
    """

    @property
    def base(self) -> Base | None:
        """The base model whose UNet it is attached to; None where there is none."""
        ...

    def __call__(self, batch: B) -> dict[str, Tensor]:
        """Losses of a batch by name; "loss" is the one to follow, the others are its parts."""
        ...

    def trained(self) -> Iterator[nn.Parameter]:
        """The parameters that the optimizer moves."""
        ...

    def weights(self) -> Weights:
        """What was trained, under the published keys: part of the file → key → tensor."""
        ...


class Method(Learner[B], Protocol[B]):
    """One way to train an adapter of the UNet, which can be drawn with."""

    @property
    def base(self) -> Base:
        """The base model whose UNet it is attached to."""
        ...

    def show(self, batch: B, *, nobody: Tensor | None = None) -> Conditioned:
        """Let the UNet draw the people of a batch as at inference until the next one; rows of `nobody`, (B,) bool, show nobody.

        Returns:
            What the UNet has to be told.
        """
        ...
