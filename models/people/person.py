"""People as values: their photos, who is mixed into them, and when, where and how strongly they act.

A person belongs to no method. What a method needs of their photos is encoded when it is applied, and kept in `encodings`.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from torch import Tensor

from ..errors import InvalidSettingError, holds_half, require_range
from ..face.types import Face
from ..placement.masks import check_mask
from .encodings import Carrier, carried_by
from .photo import Photo

MOST_STRENGTH = 4.0  # times the method's own strength
MOST_LETTERS = 500  # of a name


class CarriedEncodings(Carrier, Protocol):
    """What encoders said about somebody's photos, with photos that they are asked for by."""

    @property
    def photos(self) -> tuple[Photo, ...]:
        """Stand-ins that no network is shown; empty where the person has the photos."""
        ...

    @property
    def portrait(self) -> np.ndarray | None:
        """What previews show of the person, (h, w, 3) uint8 RGB; None where nothing is known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSettings:
    """When and how strongly somebody acts, whatever the method.

    Attributes:
        strength: times the method's own strength, 0–4; 0 switches the person off.
        start_percent, end_percent: part of the sampling in which the person acts, 0–1 each.

    Raises:
        InvalidSettingError: if a number is out of its range.
    """

    strength: float = 1.0
    start_percent: float = 0.0
    end_percent: float = 1.0

    def __post_init__(self) -> None:
        require_range("strength", self.strength, MOST_STRENGTH)
        require_range("start_percent", self.start_percent, 1)
        require_range("end_percent", self.end_percent, 1)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Person:
    """One person.

    Attributes:
        name: what messages, maps and prompts call them.
        photos: of this person.
        mixed: people that this one is made of, each with a factor; a method adds them up in its own space. Empty for
            somebody who is nobody but themselves.
        mask: where the person may be, (M, H, W) float, 0–1, one per picture of a batch; (H, W) becomes (1, H, W).
            None leaves the place open.
        settings: when and how strongly they act.
        is_left_out: whether they stay out because no photo shows a face; number, colour and place are kept.
        encodings: what is known about the photos without looking, of an identity card; None for others. Who shows photos to
            encoders does so in `looked_at`.

    Raises:
        InvalidSettingError: if the mask is empty or holds NaN, or the name is too long or holds half a character.
        ShapeError: if the mask has another number of axes.
    """

    name: str
    photos: tuple[Photo, ...] = ()
    mixed: tuple[tuple[Person, float], ...] = ()
    mask: Tensor | None = None
    settings: PersonSettings = PersonSettings()
    is_left_out: bool = False
    encodings: CarriedEncodings | None = None

    def __post_init__(self) -> None:
        if len(self.name) > MOST_LETTERS:
            raise InvalidSettingError(
                f'A person\'s name has {len(self.name):,} letters, it begins "{self.name[:20]}"; write at most {MOST_LETTERS}.'
            )
        if holds_half(self.name):
            raise InvalidSettingError(
                f'The name "{self.name}" holds half a character (a surrogate alone); write it anew.'
            )
        if self.mask is not None:
            object.__setattr__(self, "mask", check_mask(self.mask, self.name))

    @property
    def parts(self) -> tuple[tuple[Person, float], ...]:
        """The people to add up, each with a factor; the person alone where nobody is mixed in."""
        return self.mixed or ((self, 1.0),)

    @property
    def counted(self) -> tuple[Photo, ...]:
        """The photos that are not left out: those whose weight is not 0."""
        return tuple(photo for photo in self.photos if photo.weight > 0)

    @property
    def shown(self) -> tuple[tuple[Photo, Face], ...]:
        """The photos that count and show the person's face, with that face."""
        return tuple((photo, photo.taken) for photo in self.counted if photo.taken is not None)

    @property
    def has_face(self) -> bool:
        """Whether a face is known of everybody that the person is made of."""
        return all(part.joined for part, _ in self.parts)

    @property
    def looked(self) -> tuple[Photo, ...]:
        """The photos that are looked at: the person's, or those that stand in for them on an identity card."""
        return self.photos or (() if self.encodings is None else self.encodings.photos)

    @property
    def joined(self) -> tuple[Photo, ...]:
        """The photos that are looked at, count and show the person's face."""
        return tuple(photo for photo in self.looked if photo.weight > 0 and photo.taken is not None)

    @property
    def portrait(self) -> np.ndarray | None:
        """What previews show of the person, (h, w, 3) uint8 RGB; None where nothing is known."""
        if self.shown:
            return self.shown[0][1].crop
        return None if self.encodings is None else self.encodings.portrait

    @property
    def is_on(self) -> bool:
        """Whether the person counts: not left out, some strength, and a window that is not empty."""
        settings = self.settings
        return not self.is_left_out and settings.strength > 0 and settings.start_percent < settings.end_percent


@dataclass(frozen=True, eq=False, slots=True)
class People:
    """The people of a picture, in the order in which they were added; the first is number 1, `@id1` in a prompt."""

    people: tuple[Person, ...] = ()

    def __len__(self) -> int:
        return len(self.people)

    def __iter__(self) -> Iterator[Person]:
        return iter(self.people)

    def __getitem__(self, place: int) -> Person:
        return self.people[place]

    def add(self, person: Person) -> People:
        """The same people and one more; an empty name becomes "person N", one that is taken gets a number."""
        name = person.name.strip() or f"person {len(self) + 1}"
        return People((*self.people, replace(person, name=free_name(name, [other.name for other in self]))))

    def pick(self, number: int) -> People:
        """One person alone, by number from 1.

        Raises:
            InvalidSettingError: if there is no such person.
        """
        return People((self.people[self.place_of(number)],))

    def only(self, what: str) -> Person:
        """The one person of a chain that may hold no more.

        Args:
            what: name of the input, for the message.

        Raises:
            InvalidSettingError: if there are none or several.
        """
        if len(self) != 1:
            raise InvalidSettingError(f"{what} has {len(self)} people and takes one; put Pick Person before it.")
        return self.people[0]

    def place_of(self, number: int) -> int:
        """The place, from 0, of a person's number, from 1.

        Raises:
            InvalidSettingError: if there is no such person.
        """
        if not 1 <= number <= len(self):
            there = f"numbers 1 to {len(self)}" if len(self) else "nobody in it"
            raise InvalidSettingError(f"There is no person {number}: the chain has {there}; choose another number.")
        return number - 1

    def mix_into_last(self, other: Person, weight: float) -> People:
        """The same people, somebody mixed into the last of them, whose own factor becomes smaller by the weight.

        Args:
            other: who is mixed in.
            weight: their factor, 0–1. Factors are not renormalised; those of several may add up to more than 1, as in
                UniPortrait's published code.

        Raises:
            InvalidSettingError: if there is nobody yet, the weight is out of range, or `other` is mixed too.
        """
        require_range("weight", weight, 1)
        if not self.people:
            raise InvalidSettingError('There is nobody to mix a face into; put "Add Person" before Mix People.')
        if other.mixed:
            raise InvalidSettingError(
                f'"{other.name}" is mixed already and would be mixed in as one face; mix the people one after the other.'
            )
        *before, last = self.people
        (main, factor), *others = last.parts
        return People((*before, replace(last, mixed=((main, factor - weight), *others, (other, weight)))))


@contextmanager
def looked_at(person: Person) -> Generator[Person]:
    """A person as encoders are to see them, and a time in which their identity card, if they have one, answers for encoders.

    Of somebody whose card has no photos the photos are stand-ins. Outside of this time they have none, so that no network is
    ever shown what is no photo.

    Args:
        person: nobody mixed in: one of `Person.parts`.
    """
    if person.encodings is None:
        yield person
        return
    with carried_by(person.encodings):
        yield replace(person, photos=person.looked)


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, or with a number from 2 on where it is taken."""
    numbered = (f"{name} {number}" for number in itertools.count(2))
    return next(candidate for candidate in itertools.chain((name,), numbered) if candidate not in taken)
