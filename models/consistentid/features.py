"""What somebody wishes about people's facial features: caption, switches, strengths, and features taken from others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import InvalidSettingError, require_range
from .marked_text import NOUNS

MOST_STRENGTH = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureChoice:
    """The facial features of one person.

    Attributes:
        person: their number in the chain, from 1.
        caption: what is said about the face; empty for the pipeline's sentence.
        strengths: from feature (face, ears, eyes, nose, mouth) to how far its word is moved towards the person's own photos,
            0–2; a feature that is not named is switched off.
        others_from: number of the person who gives what this one lacks or has switched off; 0 is nobody.

    Raises:
        InvalidSettingError: if a number is out of its range or there is no such feature.
    """

    person: int
    caption: str = ""
    strengths: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(NOUNS, 1.0))
    others_from: int = 0

    def __post_init__(self) -> None:
        for feature, strength in self.strengths.items():
            if feature not in NOUNS:
                raise InvalidSettingError(f'There is no facial feature "{feature}"; choose among {", ".join(NOUNS)}.')
            require_range(f"{feature}_strength", strength, MOST_STRENGTH)


@dataclass(frozen=True, slots=True)
class FacialFeatures:
    """The wishes about the people of a chain.

    Attributes:
        choices: one entry per person at most; a person without one shows all features of their own photos.
    """

    choices: tuple[FeatureChoice, ...] = ()

    def add(self, choice: FeatureChoice) -> FacialFeatures:
        """The same wishes and one more.

        Raises:
            InvalidSettingError: if the person has one already.
        """
        if any(other.person == choice.person for other in self.choices):
            raise InvalidSettingError(
                f"Set Facial Features is there twice for person {choice.person}; change the number of one of them."
            )
        return FacialFeatures((*self.choices, choice))

    def of(self, number: int) -> FeatureChoice:
        """The choice for a person, by number from 1."""
        own = (choice for choice in self.choices if choice.person == number)
        return next(own, FeatureChoice(person=number))

    def check(self, people: int) -> None:
        """See that the wishes fit a chain.

        Args:
            people: how many the chain has, those included who are off.

        Raises:
            InvalidSettingError: if a number is nobody, or features are taken round in a circle.
        """
        for choice in self.choices:
            for name, number in (("person", choice.person), ("others_from", choice.others_from)):
                lowest = 1 if name == "person" else 0
                if not lowest <= number <= people:
                    there = f"numbers 1 to {people}" if people else "nobody in it"
                    raise InvalidSettingError(
                        f"{name} of Set Facial Features is {number}, but the chain has {there}; choose another number."
                    )
        for choice in self.choices:
            self._check_circle(choice)

    def _check_circle(self, choice: FeatureChoice) -> None:
        path = [choice.person]
        while lender := self.of(path[-1]).others_from:
            path.append(lender)
            if lender in path[:-1]:
                way = " from ".join(f"person {number}" for number in path)
                raise InvalidSettingError(
                    f"Facial features go round in a circle ({way}); set others_from of one of them to 0."
                )


NO_WISHES = FacialFeatures()
