"""What a configuration file says for OmniPortrait's Pivot ID Encoder. Numbers: OmniPortrait, section 4.1, SD1.5."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from ...models.config.keys import Default
from ...models.config.rules import Number
from ...models.config.types import File, Probability
from ...models.config.values import show
from ...models.errors import InvalidSettingError
from ...models.people.marked_prompt import mark_people
from ..config.run import AdapterConfig, Papers
from ..config.sections import MethodConfig, SamplesConfig
from .face_localization import WEIGHT

Colour = Annotated[float, Number()]
Spread = Annotated[float, Number(0, above=True)]
NEEDED = Default("required without `init_from`")
# Of the pivot's weights: an adapter says them, open_clip's file does not.
UNTOLD = ("pivot_activation", "pivot_mean", "pivot_std")


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotMethodConfig(MethodConfig):
    """What is trained, and from where."""

    init_from: Annotated[File | None, "adapter of OmniPortrait to start from"] = None
    visual: Annotated[
        Literal["full", "last2", "linear"],
        "pivot: what of the image encoder learns: all, its last two blocks and what follows them, or nothing but the linear "
        "layer behind it",
    ] = "full"
    eta: Annotated[float, Number(0), "pivot: weight η of the face localisation loss"] = WEIGHT
    drop: Annotated[Probability, "pivot: how often prompt and face are left out together, for guidance"] = 0.1
    pivot: Annotated[
        File | None,
        "pivot: OpenCLIP ViT-L/14 in open_clip's layout to start from; with `init_from`, the file that the adapter was trained "
        "from where it holds only what changed",
        NEEDED,
    ] = None
    pivot_activation: Annotated[
        Literal["gelu", "quick_gelu"] | None,
        "that `pivot` was trained with: LAION's gelu, OpenAI's quick_gelu",
        NEEDED,
    ] = None
    pivot_mean: Annotated[
        tuple[Colour, Colour, Colour] | None, "of red, green and blue that `pivot` was trained with", NEEDED
    ] = None
    pivot_std: Annotated[tuple[Spread, Spread, Spread] | None, "the same, standard deviation", NEEDED] = None

    def faults(self) -> Iterator[str]:
        """Everything about the image encoder, from the adapter or from the file, and not from both."""
        if self.init_from:
            for entry in UNTOLD:
                if getattr(self, entry) is not None:
                    yield f"[method] {entry} is given, but the adapter in init_from says it; remove it."
            return
        wanted = {"pivot": "the weights that the image encoder begins with"}
        wanted |= dict.fromkeys(UNTOLD, "what those weights were trained with; no tensor tells it")
        for entry, what in wanted.items():
            if getattr(self, entry) is None:
                yield f"[method] {entry} is missing; without init_from, give {what}."


@dataclass(frozen=True, slots=True, kw_only=True)
class PortraitSamplesConfig(SamplesConfig):
    """Pictures drawn on the way; every prompt has a word for the person."""

    def faults(self) -> Iterator[str]:
        """Something to draw, and a person in every prompt."""
        yield from SamplesConfig.faults(self)
        for place, prompt in enumerate(self.prompts):
            try:
                mark_people(prompt, 1)
            except InvalidSettingError as error:
                yield f"[samples] prompts[{place}] is {show(prompt)}: {error}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotConfig(AdapterConfig):
    """The training of the pivot."""

    name: ClassVar[str] = "omniportrait-pivot"
    title: ClassVar[str] = "OmniPortrait's Pivot ID Encoder"
    place: ClassVar[str] = "for the pivot"
    papers: ClassVar[Papers] = Papers(steps=80_000, learning_rate=2e-5, people=(1, 1))
    reads: ClassVar[tuple[str, ...]] = ("nouns", "persons.parse")

    method: PivotMethodConfig
    samples: PortraitSamplesConfig = field(default_factory=PortraitSamplesConfig)
