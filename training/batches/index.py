"""Which rows of a source a method trains on, found in one pass and held in a few bytes each."""

from __future__ import annotations

import logging
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...dataset.manifest import Parsed, PersonRow, Row
from ...dataset.rows import RowSource
from ...models.errors import InvalidSettingError
from .face_crops import can_be_aligned, face_box
from .framing import Frame, frame_faces
from .noun_rows import noun_rows

logger = logging.getLogger(__name__)
LOGGED_FAULTS = 20  # then only their number


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What rows are trained on.

    Attributes:
        split: which part of the data.
        size: side of the training picture, pixels.
        fewest: people with face points whose face the frame shows; 0 takes pictures without people too, but none that shows
            people of whom it knows no such face.
        most: people of any kind.
        with_nouns: the caption has to have a noun for everybody shown.
        min_aes: aesthetic score, 0–10; None takes rows of any and of none.
        max_wm: probability of a watermark, 0–1; likewise.
        min_score: the face detector's confidence in everybody with face points, 0–1; likewise.
    """

    split: str
    size: int
    fewest: int
    most: int
    with_nouns: bool = False
    min_aes: float | None = None
    max_wm: float | None = None
    min_score: float | None = None

    def refusal(self, row: Row) -> str:
        """Why a row is not trained on, or ""."""
        if row.split != self.split:
            return f'in another split than "{self.split}"'
        if poor := self._poor(row):
            return poor
        if len(row.persons) > self.most:
            return f"with more than {self.most} people"
        people = find_shown(row, frame_row(row, self.size))
        if len(people) < self.fewest:
            return f"with fewer than {self.fewest} people with face points in the frame"
        if row.shows_people and not people:
            return "with people of whom nobody has face points in the frame"
        if self.with_nouns and noun_rows(row, people) is None:
            return "whose caption has no noun for everybody"
        return ""

    def _poor(self, row: Row) -> str:
        """Why a row is not good enough, or ""; one that does not say how good it is cannot be known to be."""
        if self.min_aes is not None and (row.aes is None or row.aes < self.min_aes):
            return "without aes" if row.aes is None else f"with aes below {self.min_aes:g}"
        if self.max_wm is not None and (row.wm is None or row.wm > self.max_wm):
            return "without wm" if row.wm is None else f"with wm above {self.max_wm:g}"
        if self.min_score is None:
            return ""
        for person in row.persons:
            if person.points and (person.score is None or person.score < self.min_score):
                return (
                    "with face points without score"
                    if person.score is None
                    else f"with a score below {self.min_score:g}"
                )
        return ""


@dataclass(frozen=True, slots=True)
class RowIndex:
    """The rows that are trained on.

    Attributes:
        numbers: what the source calls them.
        groups: how many of them each file holds.
        identities: people who are in several of them: identity → places in `numbers`.
        passed_over: reason → number of other rows.
    """

    numbers: Sequence[int]
    groups: Sequence[int]
    identities: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    passed_over: Counter[str] = field(default_factory=Counter[str])


def index_rows(source: RowSource, wanted: Wanted) -> RowIndex:
    """Find the rows to train on; rows with errors are logged and passed over.

    Raises:
        InvalidSettingError: if there is none.
    """
    numbers, groups = array("q"), Counter[str]()
    identities: dict[str, list[int]] = {}
    passed_over = Counter[str]()
    for number, parsed in source.scan():
        reason = _refusal(parsed, wanted, passed_over)
        if reason or parsed.row is None:
            passed_over[reason] += 1
            continue
        for person in parsed.row.persons:
            if person.identity and can_be_aligned(person.points):
                identities.setdefault(person.identity, []).append(len(numbers))
        groups[parsed.file] += 1
        numbers.append(number)
    found = ", ".join(f"{count} {reason}" for reason, count in passed_over.items()) or "none"
    if not numbers:
        raise InvalidSettingError(
            f"There is no row to train on; passed over: {found}. Run `python -m likeness.dataset.check_command`, or "
            "change split and people in [data]."
        )
    logger.info("Data: %d rows to train on; passed over: %s", len(numbers), found)
    several = {name: places for name, places in identities.items() if len(set(places)) > 1}
    return RowIndex(numbers, list(groups.values()), several, passed_over)


def frame_row(row: Row, size: int) -> Frame:
    """The part of a row's picture that is trained on."""
    return frame_faces(row.width, row.height, [face_box(person) for person in row.persons], size)


def find_shown(row: Row, frame: Frame) -> list[PersonRow]:
    """The people with face points whose face the frame shows."""
    return [person for person in row.persons if can_be_aligned(person.points) and frame.shows(face_box(person))]


def _refusal(parsed: Parsed, wanted: Wanted, passed_over: Counter[str]) -> str:
    if parsed.row is not None:
        return wanted.refusal(parsed.row)
    reason = "with errors"
    if passed_over[reason] < LOGGED_FAULTS:
        for fault in parsed.faults:
            logger.warning("%s", fault)
    return reason
