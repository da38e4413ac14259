"""The keys of a section are read from its annotations."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from typing import Annotated

from likeness.training.config.keys import Default, PapersOwn, Remedy, keys_of
from likeness.training.config.rules import Number, Text
from likeness.training.config.types import Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    first: Annotated[str, "what comes first"]
    second: Annotated[Count | None, "how often", Default("as often as asked")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stricter(Plain):
    third: Annotated[float, Number(0), "how much", PapersOwn("steps")] = 0.5
    second: Annotated[Count, "how often", Remedy("count them.")]


def test_keys_come_in_their_order_with_rule_text_and_default():
    first, second = keys_of(Plain)
    assert (first.name, first.rule, first.text, first.default) == ("first", Text(), "what comes first", MISSING)
    assert (second.name, second.rule, second.text) == ("second", Number(1, whole=True), "how often")
    assert second.default is None


def test_a_section_may_say_more_of_a_key_that_another_has():
    first, second, third = keys_of(Stricter)
    assert (first.name, second.name, third.name) == ("first", "second", "third")
    assert second.default is MISSING
    assert third.default == 0.5


def test_what_else_is_said_beside_a_type():
    [_, second], [_, stricter, third] = keys_of(Plain), keys_of(Stricter)
    assert (second.told_default, second.papers_own) == ("as often as asked", None)
    assert (stricter.told_default, stricter.papers_own) == (None, None)
    assert third.papers_own == "steps"


def test_the_remedy_for_a_missing_key_is_to_choose_a_value_or_what_is_said():
    [first, _], [_, stricter, _] = keys_of(Plain), keys_of(Stricter)
    assert first.remedy == "choose a text in quotes."
    assert stricter.remedy == "count them."
