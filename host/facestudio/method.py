"""FaceStudio as a method: what is asked of it, what comes of it, and what its two forms have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...models.facestudio.background import Background
from ...models.facestudio.encode import Mixing
from ...models.facestudio.regions import Mode
from ...models.facestudio.style import Style
from ...models.people.person import People, Person
from ...models.people.preview import Line
from ...models.port.encoders import Encoder
from ..encoders.style_pictures import ReadsStyles
from ..placement import LoadedPlacement
from ..sampling.delayed_conditioning import Conditioning

NAME = "FaceStudio"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Asked:
    """What a picture is to show.

    Attributes:
        people: everybody; those who are off or have no face do not count, and nobody is needed.
        style: of a picture; None without one.
        text: of a text by the prior; None without one.
        negative_text: of a text of what is not wanted.
        alpha: 0 is the text alone, 1 the picture alone.
        strength: of the face of somebody whose own strength is 1, 0–2.
        mixing: of people who are made of several.
        regions: how masks divide the picture.
        background: whose the places of nobody are.
        seed: of a background that is drawn.
        where: how people are placed; None is by their masks.
        positive, negative: prompts; None where none is connected.
    """

    people: People
    style: Style | None = None
    text: Style | None = None
    negative_text: Style | None = None
    alpha: float = 0.5
    strength: float = 1.0
    mixing: Mixing = "unit length"
    regions: Mode = "hard"
    background: Background = "none"
    seed: int = 0
    where: LoadedPlacement | None = None
    positive: Conditioning | None = None
    negative: Conditioning | None = None

    @property
    def text_notes(self) -> list[str]:
        """What is to be said of the texts, such as that one was cut."""
        return [each.note for each in (self.text, self.negative_text) if each is not None]


@dataclass(frozen=True, eq=False, slots=True)
class AppliedFaceStudio:
    """What came of it.

    Attributes:
        model: a clone of the given one.
        positive, negative: for the sampler.
        is_applied: whether anything was added to the model.
        lines: who is in and who is not, one per person of the chain.
        people_mask: where people with masks are together, (M, H, W), 0–1; zeros of (1, 64, 64) without any mask.
        note: sentences for the user.
    """

    model: ModelPatcher
    positive: Conditioning
    negative: Conditioning
    is_applied: bool
    lines: tuple[Line, ...]
    people_mask: Tensor
    note: str


class LoadedFaceStudio(ReadsStyles, Protocol):
    """What a loader hands on."""

    @property
    def looks_with(self) -> Sequence[Encoder | None]:
        """What looks at people's photos."""
        ...

    def look(self, person: Person) -> None:
        """Show a person to the encoders, for an identity card.

        Raises:
            InvalidSettingError: if no face is known of them, or the method takes no people.
            MissingModelFileError: if an encoder that is needed is not there.
        """
        ...

    def apply(self, model: ModelPatcher, asked: Asked) -> AppliedFaceStudio:
        """Put style and people into a MODEL.

        Args:
            model: stays as it is.
            asked: what the picture is to show.

        Raises:
            IncompatibleBaseModelError: if the weights are of another architecture.
            InvalidSettingError: if a setting is out of its range, styles are of another space, nothing says where somebody is,
                or something is connected that the form does not take.
            MissingModelFileError: if an encoder that is needed is not there.
        """
        ...


def sentences(*parts: Any) -> str:
    """One text of several, the empty ones left out."""
    return " ".join(part for part in parts if part)
