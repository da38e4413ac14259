"""A type says what a key may hold, alone or with a rule beside it."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from likeness.models.config.rules import Choice, Either, FileName, Flag, Location, Many, Number, Table, Text
from likeness.models.config.types import ASCENDING, Count, File, Folder, NewPath, Probability, rule_of


@pytest.mark.parametrize(
    ("hint", "rule"),
    [
        (str, Text()),
        (bool, Flag()),
        (Literal["a", "b"], Choice(("a", "b"))),
        (Literal["a", "b"] | None, Choice(("a", "b"))),
        (Count, Number(1, whole=True)),
        (Count | None, Number(1, whole=True)),
        (Probability, Number(0, 1)),
        (Annotated[str, FileName()] | None, FileName()),
        (File, Location("file")),
        (Literal["auto", "none"] | Folder, Either(("auto", "none"), Location("folder"))),
        (Literal["none"] | NewPath, Either(("none",), Location(""))),
        (tuple[str, ...], Many(Text())),
        (dict[str, str], Table(Text())),
        (dict[str, Probability], Table(Number(0, 1))),
        (tuple[Probability, Probability], Many(Number(0, 1), 2)),
        (Annotated[tuple[Count, Count], ASCENDING] | None, Many(Number(1, whole=True), 2, ascending=True)),
        (Annotated[Annotated[Count, "more"], "a line for the manual"], Number(1, whole=True)),
    ],
)
def test_a_type_says_what_a_key_may_hold(hint, rule):
    assert rule_of(hint) == rule


@pytest.mark.parametrize("hint", [int, Annotated[float, "a number"], dict[str, int]])
def test_a_type_that_says_too_little_is_refused(hint):
    with pytest.raises(TypeError, match="put a rule beside it"):
        rule_of(hint)
