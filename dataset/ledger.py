"""What a manifest repeats: rows with one name, pictures that come twice, people who are in two splits."""

from __future__ import annotations

from collections.abc import Iterator

from .manifest import Parsed, Row


class Ledger:
    """Remembers what it admitted; of two rows that do not go together the first stays.

    One ledger serves all shards of a data set, so that they are checked as one manifest.
    """

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._contents: dict[str, str] = {}
        self._splits: dict[str, tuple[str, str]] = {}  # identity → split, where it was first seen

    def admit(self, parsed: Parsed) -> Parsed:
        """The row with the errors that follow from rows before it."""
        row = parsed.row
        if row is None:
            return parsed
        checked = parsed.with_errors(self._repeats(row))
        if checked.row is None:
            return checked
        place = f"{parsed.file}:{parsed.line}"
        self._ids[row.id] = place
        if row.sha256:
            self._contents[row.sha256] = place
        for person in row.persons:
            if person.identity:
                self._splits.setdefault(person.identity, (row.split, place))
        return parsed

    def _repeats(self, row: Row) -> Iterator[tuple[str, str]]:
        if row.id in self._ids:
            yield "id", f'is "{row.id}", as in {self._ids[row.id]}; give every row a name of its own'
        if row.sha256 in self._contents:
            yield "sha256", repeats(self._contents[row.sha256])
        for index, person in enumerate(row.persons):
            split, place = self._splits.get(person.identity or "", (row.split, ""))
            if split != row.split:
                yield (
                    f"persons[{index}].identity",
                    f'is "{person.identity}", who is in split "{split}" ({place}), but this row is in "{row.split}"; '
                    "keep a person in one split",
                )


def repeats(place: str) -> str:
    """What is wrong with a picture that came before."""
    return f"is the picture of {place} again; remove one of the two rows"
