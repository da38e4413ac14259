"""The port for methods: what a wing states, what it is lent, and what it adds to a base model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import torch

from ....models.adapters.weights import LoRA
from ....models.people.person import People
from ....models.port.attention import AttentionResidual
from ...metrics.networks import Networks
from .config import PeopleConfig

if TYPE_CHECKING:
    from ....diffusers_host.base import Base
    from ....diffusers_host.text_encoders import TextCondition

Config = TypeVar("Config", bound=PeopleConfig)
TextAt = Callable[
    [int], "TextCondition"
]  # from the number of a step to the texts of both sides, the negative one first


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Lent:
    """What a method is lent.

    Attributes:
        base: the base model, on the device and in the type that its networks are to have.
        networks: recognisers and detectors by word.
        device, dtype: of the networks that look at photos.
    """

    base: Base
    networks: Networks
    device: torch.device
    dtype: torch.dtype


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a picture is to show.

    Attributes:
        prompt, negative: texts.
        steps: of the sampler.
    """

    prompt: str
    negative: str
    steps: int


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Applied:
    """What is added for the time of one picture.

    Attributes:
        residuals: of the UNet's attention layers.
        lora: of the UNet.
        text: what the UNet reads at a step; None for the prompts as they are.
    """

    residuals: tuple[AttentionResidual, ...] = ()
    lora: LoRA | None = None
    text: TextAt | None = None


class Method(Protocol):
    """Brings people into pictures."""

    def apply(self, people: People, asked: Asked) -> Applied:
        """What some people add to one picture.

        Raises:
            LikenessError: for everything that can be mended by the user.
        """
        ...


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MethodKind(Generic[Config]):
    """A method as protocols choose it.

    Attributes:
        section: what it lets users choose.
        make: reads its weights.
        people: how many people a picture has, by its section; None for any number.
    """

    section: type[Config]
    make: Callable[[Config, Lent], Method]
    people: Callable[[Config], int | None] = lambda _: None
