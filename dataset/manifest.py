"""The manifest: one picture per line with its people, and everything that can be said of it without opening a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .fields import Box, Fault, Fields, Level, Note, Points, quote

ROW_KEYS = (
    *("id", "image", "w", "h", "caption", "facial_caption", "nouns", "persons", "aes", "wm", "src", "licence"),
    *("sha256", "split", "human"),
)
PERSON_KEYS = ("bbox", "face", "kps", "score", "yaw", "identity", "parse", "instance", "arcface")
NOUN_KEYS = ("word", "span", "person")
PARSE_CLASSES = (
    16  # 0 background, 1 skin, 2-3 brows, 4-5 eyes, 6 glasses, 7-8 ears, 9 nose, 10-12 mouth, 13 neck, 14 hair, 15 hat
)
DEFAULT_SPLIT = "train"
# Legal, and notes for people: no training reads them.
NOTES = ("facial_caption", "src", "licence", "persons.yaw", "persons.instance", "persons.arcface")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """One person in a picture; pixels of the picture, origin top-left.

    Attributes:
        box: the person.
        face: the face, or None.
        points: left eye, right eye, nose, left and right corner of the mouth in image order, or None: then the person
            cannot be a reference.
        identity: name shared by all pictures of this person, or None.
        score: the face detector's confidence, 0–1, or None.
        parse: PNG with a class of `PARSE_CLASSES` per pixel of the picture.
        instance: PNG that is above 0 where the person is.
        arcface: `file.npy#row` with the recogniser's vector.
    """

    box: Box
    face: Box | None
    points: Points | None
    identity: str | None
    score: float | None
    parse: str | None
    instance: str | None
    arcface: str | None


@dataclass(frozen=True, slots=True)
class Noun:
    """A word of the caption that stands for a person.

    Attributes:
        word: the word.
        span: first and last-plus-one character in the caption.
        person: place in `Row.persons`, or None for nobody in particular.
    """

    word: str
    span: tuple[int, int]
    person: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One picture.

    Attributes:
        id: its name, once per manifest.
        image: path.
        width: pixels.
        height: pixels.
        caption: what the picture shows.
        facial_caption: what the faces look like, or None.
        nouns: words of the caption that stand for people.
        persons: the people.
        sha256: of the image file, or None.
        split: which part of the data it belongs to.
        aes: aesthetic score, 0–10, or None.
        wm: probability of a watermark, 0–1, or None.
        human: whether there are people in the picture, also such as `persons` does not name, or None.
    """

    id: str
    image: str
    width: int
    height: int
    caption: str
    facial_caption: str | None
    nouns: tuple[Noun, ...]
    persons: tuple[PersonRow, ...]
    sha256: str | None
    split: str
    aes: float | None
    wm: float | None
    human: bool | None = None

    @property
    def shows_people(self) -> bool:
        """What the row says, else whether it names anybody."""
        return bool(self.persons) if self.human is None else self.human


@dataclass(frozen=True, slots=True)
class Parsed:
    """One row as it was read.

    Attributes:
        file: name of the manifest or shard.
        line: line in the manifest, place of the sample in the shard; from 1, 0 where nobody counted.
        row: the row, or None if there is an error in it.
        faults: its errors and warnings.
        keys: what it gives of the known keys, those of persons as `persons.face`.
    """

    file: str
    line: int
    row: Row | None
    faults: tuple[Fault, ...]
    keys: frozenset[str] = frozenset()

    def with_errors(self, errors: Iterable[tuple[str, str]]) -> Parsed:
        """The same with errors, (place, text) each; the row is lost if there is one."""
        added = tuple(Fault(self.file, self.line, "error", place, text) for place, text in errors)
        return replace(self, row=None, faults=self.faults + added) if added else self


def parse_row(text: bytes, file: str, line: int) -> Parsed:
    """Read one row.

    Args:
        text: a JSON object in UTF-8, with or without a byte order mark.
        file: name of the manifest or shard, for faults.
        line: place of the row in it, from 1.

    Returns:
        The row, if there is no error in it, and all its faults.
    """
    faults: list[Fault] = []

    def note(level: Level, place: str, message: str) -> None:
        faults.append(Fault(file, line, level, place, message))

    table = _read_json(text, note)
    row = _read_row(table, note) if table is not None else None
    usable = not any(fault.level == "error" for fault in faults)
    return Parsed(file, line, row if usable else None, tuple(faults), _given_keys(table or {}))


def _given_keys(table: Mapping[str, Any]) -> frozenset[str]:
    """The known keys that a row gives; null gives nothing."""
    persons = table.get("persons")
    people = [entry for entry in persons if isinstance(entry, dict)] if isinstance(persons, list) else []
    own = {name for name in ROW_KEYS if table.get(name) is not None}
    return frozenset(own | {f"persons.{name}" for one in people for name in PERSON_KEYS if one.get(name) is not None})


def _read_json(text: bytes, note: Note) -> Mapping[str, Any] | None:
    try:
        table = json.loads(text.decode("utf-8-sig"))
        if b"\\u" in text:
            json.dumps(table, ensure_ascii=False).encode()  # half a surrogate pair cannot be written anywhere
    except (ValueError, RecursionError) as error:
        note("error", "", f"is not JSON in UTF-8 ({error}); write one JSON object per line")
        return None
    if not isinstance(table, dict):
        note("error", "", f"is {quote(table)}; write one JSON object per line")
        return None
    return table


def _read_row(table: Mapping[str, Any], note: Note) -> Row | None:
    fields = Fields(table, "", note)
    fields.only(ROW_KEYS)
    width, height = fields.size("w"), fields.size("h")
    size = (width, height) if width and height else None
    found: dict[str, Any] = {
        "id": fields.text("id", required=True, empty=False),
        "image": fields.path("image", required=True),
        "caption": fields.text("caption", required=True),
    }
    persons = [
        _read_person(Fields(entry, f"persons[{index}].", note), size) for index, entry in fields.objects("persons")
    ]
    nouns = [
        _read_noun(Fields(entry, f"nouns[{index}].", note), entry, found["caption"], len(persons))
        for index, entry in fields.objects("nouns")
    ]
    fields.text("src")  # these two are notes for people
    fields.text("licence")
    optional: dict[str, Any] = {
        "facial_caption": fields.text("facial_caption"),
        "sha256": _read_sha256(fields),
        "split": fields.text("split", empty=False) or DEFAULT_SPLIT,
        "aes": fields.number("aes", 0, 10),
        "wm": fields.number("wm", 0, 1),
        "human": fields.flag("human"),
    }
    if optional["human"] is False and persons:
        fields.wrong("human", f"persons names {len(persons)}; remove them, or write true")
    if size is None or None in found.values():
        return None
    people, words = tuple(filter(None, persons)), tuple(filter(None, nouns))  # where one is None, an error was noted
    return Row(width=size[0], height=size[1], nouns=words, persons=people, **found, **optional)


def _read_sha256(fields: Fields) -> str | None:
    digest = fields.text("sha256")
    if digest is not None and not _SHA256.fullmatch(digest.lower()):
        fields.wrong("sha256", "give 64 hexadecimal digits")
        return None
    return digest.lower() if digest else None


def _read_person(fields: Fields, size: tuple[int, int] | None) -> PersonRow | None:
    fields.only(PERSON_KEYS)
    box = fields.box("bbox", size, required=True)
    fields.number("yaw", -180, 180)  # a note as well
    person: dict[str, Any] = {
        "face": fields.box("face", size),
        "points": fields.points("kps"),
        "identity": fields.text("identity", empty=False),
        "score": fields.number("score", 0, 1),
        "parse": fields.path("parse"),
        "instance": fields.path("instance"),
        "arcface": fields.path("arcface", index=True),
    }
    return PersonRow(box=box, **person) if box else None


def _read_noun(fields: Fields, table: Mapping[str, Any], caption: str | None, persons: int) -> Noun | None:
    fields.only(NOUN_KEYS)
    word = fields.text("word", required=True, empty=False)
    span, person = _read_span(table.get("span")), table.get("person")
    if span is None:
        fields.wrong("span", "give [first character, last character + 1] of the word in the caption")
    if person is not None and not (type(person) is int and 0 <= person < persons):
        fields.wrong("person", f"the row has {persons} persons, counted from 0; name one of them or null")
        return None
    if word is None or caption is None or span is None:
        return None
    seen = caption[slice(*span)]
    if seen.lower() != word.lower():
        fields.wrong("span", f"the caption holds {quote(seen)} there, not {quote(word)}")
        return None
    return Noun(word, span, person)


def _read_span(value: Any) -> tuple[int, int] | None:
    if not isinstance(value, list) or len(value) != 2 or not all(type(end) is int for end in value):
        return None
    start, end = value
    return (start, end) if 0 <= start < end else None
