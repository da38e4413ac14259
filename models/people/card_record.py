"""What an identity card says in words and numbers: about itself, the person, their photos and the encodings it holds.

It is JSON in the file's metadata. Nothing read from a card is trusted: every value is checked for its type and bounds here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidSettingError, UnknownCheckpointError, first_line

FORMAT, VERSION = "likeness identity card", 1
MOST_TEXT = 4000  # characters of a note
MOST_NAME = 200
MOST_PARTS, MOST_PHOTOS = 64, 256  # people mixed, photos of each
MOST_ENTRIES, MOST_TENSORS = 4096, 64  # encodings, tensors of each
MOST_PIXELS = 100_000_000  # of all photos of a card together
MOST_SIDE = 32_768


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a card says about itself, all of it given by the user; nothing is read from the clock.

    Attributes:
        consent: the note of consent; empty where there is none.
        licence: on what terms the likeness may be used.
        created: when, where or by whom the card was made, in the user's words.
        encoded_for: what it was encoded for, such as "UniPortrait".

    Raises:
        InvalidSettingError: if a text is too long.
    """

    consent: str = ""
    licence: str = ""
    created: str = ""
    encoded_for: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, text in (("consent", self.consent), ("licence", self.licence), ("created", self.created)):
            if len(text) > MOST_TEXT:
                raise InvalidSettingError(
                    f"The {name} of an identity card has {len(text):,} characters; at most {MOST_TEXT:,} fit, shorten it."
                )

    @property
    def lines(self) -> tuple[str, ...]:
        """What a preview says: the consent note or that there is none, the licence, creation, and what it was encoded for."""
        methods = ", ".join(self.encoded_for) or "nothing; its photos are encoded when a method asks"
        return (
            f"Consent: {self.consent}"
            if self.consent.strip()
            else "No consent note: ask the person before you use this card.",
            f"Licence: {self.licence}" if self.licence.strip() else "No licence is named.",
            *([f"Created: {self.created}"] if self.created.strip() else []),
            f"Encoded for: {methods}.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What an encoding was made with.

    Attributes:
        dtype: of the network, such as "float16".
        device: it ran on, such as "cpu" or "cuda".
    """

    dtype: str
    device: str


def write_record(record: Mapping[str, Any]) -> str:
    """The record as text: the same for the same content on every system.

    Raises:
        InvalidSettingError: if a number in it is none.
    """
    try:
        return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    except ValueError as error:
        raise InvalidSettingError(
            f"A number of the identity card is NaN or infinity ({error}); use other photos."
        ) from error


def read_record(text: str, called: str) -> Fields:
    """The record of a card that this version reads.

    Args:
        text: of the metadata.
        called: what messages call the file.

    Raises:
        UnknownCheckpointError: if it is no card, one of another version, or holds something else than it may.
    """
    try:
        record = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise UnknownCheckpointError(
            f"{called} has a record that cannot be read ({first_line(error)}); ask for the card again."
        ) from error
    fields = Fields(record, called)
    if fields.text("format", MOST_NAME) != FORMAT:
        raise UnknownCheckpointError(f"{called} is not an identity card; choose one of models/identities.")
    version = fields.whole("version", 10**9)
    if version != VERSION:
        raise UnknownCheckpointError(
            f"{called} is an identity card of version {version}, and this version of the pack reads {VERSION}; update the pack, or "
            "make the card again."
        )
    return fields


@dataclass(frozen=True, slots=True)
class Fields:
    """Values of a JSON object that somebody else wrote, each taken by its type and bounds.

    Attributes:
        values: the object.
        called: what messages call the file.

    Raises:
        UnknownCheckpointError: if it is no object; every method likewise, if the value is not what it has to be.
    """

    values: Any
    called: str

    def __post_init__(self) -> None:
        if not isinstance(self.values, dict):
            raise self.wrong("an entry", "is no object")

    def text(self, name: str, most: int = MOST_TEXT) -> str:
        """A text, without characters that do not print; line breaks stay."""
        value = self._get(name)
        if not isinstance(value, str) or len(value) > most:
            raise self.wrong(name, f"is no text of at most {most} characters")
        return printable(value)

    def texts(self, name: str, most: int = MOST_PARTS) -> tuple[str, ...]:
        """Several short texts."""
        values = self._list(name, most)
        if not all(isinstance(value, str) and len(value) <= MOST_NAME for value in values):
            raise self.wrong(name, "holds something else than short texts")
        return tuple(printable(value) for value in values)

    def whole(self, name: str, most: int, least: int = 0) -> int:
        """A whole number."""
        value = self._get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(name, f"is no whole number from {least} to {most}")
        return value

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._get(name)
        if not isinstance(value, bool):
            raise self.wrong(name, "is neither true nor false")
        return value

    def number(self, name: str, *, least: float = -1e9, most: float = 1e9) -> float:
        """A number."""
        [value] = self._numbers(name, [self._get(name)], least, most)
        return value

    def numbers(self, name: str, count: int, *, least: float = -1e9, most: float = 1e9) -> list[float]:
        """As many numbers."""
        values = self._list(name, count)
        if len(values) != count:
            raise self.wrong(name, f"has {len(values)} numbers instead of {count}")
        return self._numbers(name, values, least, most)

    def fields(self, name: str) -> Fields | None:
        """An object, or None."""
        value = self._get(name)
        return None if value is None else Fields(value, self.called)

    def entries(self, name: str, most: int) -> list[Fields]:
        """Several objects."""
        return [Fields(value, self.called) for value in self._list(name, most)]

    def wrong(self, name: str, what: str) -> UnknownCheckpointError:
        """The error for a value that is not what it has to be."""
        return UnknownCheckpointError(
            f'{self.called} is no sound identity card: its "{name}" {what}; ask for the card again.'
        )

    def _get(self, name: str) -> Any:
        if name not in self.values:
            raise self.wrong(name, "is missing")
        return self.values[name]

    def _list(self, name: str, most: int) -> list[Any]:
        values = self._get(name)
        if not isinstance(values, list) or len(values) > most:
            raise self.wrong(name, f"is no list of at most {most} entries")
        return values

    def _numbers(self, name: str, values: Sequence[Any], least: float, most: float) -> list[float]:
        for value in values:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not least <= value <= most or not math.isfinite(value):
                raise self.wrong(name, f"holds something else than numbers from {least:g} to {most:g}")
        return [float(value) for value in values]


def printable(text: str) -> str:
    """A text without control and invisible characters; line breaks stay."""
    return "".join(each for each in text if each == "\n" or each.isprintable())


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")
