"""People and their references become the guidance of a UNet, the same in every host."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..people.person import Person
from ..placement.windows import ALWAYS, SigmaWindow
from ..port.guidance import FeatureCapture
from .guidance_settings import GuidanceSettings
from .guided_person import GuidedPerson, MaskSource, ReferencePicture
from .reference_guidance import ReferenceGuidance


def always(start_percent: float, end_percent: float) -> SigmaWindow:
    """Every noise level, whatever the share of the schedule."""
    del start_percent, end_percent
    return ALWAYS


def reference_guidance(
    people: Mapping[int, Person],
    references: Mapping[int, tuple[ReferencePicture, ...]],
    *,
    settings: GuidanceSettings,
    capture: FeatureCapture,
    source: MaskSource | None = None,
    window: Callable[[float, float], SigmaWindow] = always,
) -> ReferenceGuidance:
    """The guidance of some people.

    Args:
        people: who are pulled, by their places in the chain of people, from 0.
        references: pictures of them, by the same places.
        settings: how strongly and when; a person's own strength is a factor on it, their window a part of its.
        capture: where features are read.
        source: finds those who have no mask; None where everybody has one.
        window: the noise levels between two shares of the host's schedule, 0–1.

    Raises:
        InvalidSettingError: if nothing says where somebody is.
    """
    return ReferenceGuidance(
        people=tuple(
            GuidedPerson(
                name=person.name,
                place=place,
                references=references[place],
                mask=person.mask,
                strength=person.settings.strength,
                window=window(person.settings.start_percent, person.settings.end_percent),
            )
            for place, person in people.items()
        ),
        settings=settings,
        capture=capture,
        source=source,
    )
