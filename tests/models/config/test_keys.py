"""The keys of a section are read from its annotations."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field
from typing import Annotated

from likeness.models.config.keys import Default, PapersOwn, Remedy, keys_of
from likeness.models.config.rules import FileName, Number, Text
from likeness.models.config.types import Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    first: Annotated[str, "what comes first"]
    second: Annotated[Count | None, "how often", Default("as often as asked")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Further(Plain):
    third: Annotated[float, Number(0), "how much", PapersOwn("steps")] = 0.5
    first: Annotated[str, FileName(), "the name of the first", Remedy("name it.")]


def test_keys_come_in_their_order_with_rule_text_and_default():
    first, second = keys_of(Plain)
    assert (first.name, first.rule, first.text, first.default) == ("first", Text(), "what comes first", MISSING)
    assert (second.name, second.rule, second.text) == ("second", Number(1, whole=True), "how often")
    assert second.default is None


def test_a_section_may_know_more_keys_than_another_and_say_more_of_one():
    first, second, third = keys_of(Further)
    assert (first.name, second.name, third.name) == ("first", "second", "third")
    assert (first.rule, first.text, first.default) == (FileName(), "the name of the first", MISSING)
    assert third.default == 0.5


def test_what_else_is_said_beside_a_type():
    first, second, third = keys_of(Further)
    assert (first.told_default, first.papers_own) == (None, None)
    assert (second.told_default, second.papers_own) == ("as often as asked", None)
    assert third.papers_own == "steps"


def test_the_remedy_for_a_missing_key_is_to_choose_a_value_or_what_is_said():
    assert keys_of(Plain)[0].remedy == "choose a text in quotes."
    assert keys_of(Further)[0].remedy == "name it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    names: Annotated[dict[str, str], "what things are called"] = field(default_factory=dict)


def test_a_default_that_is_made_is_a_default():
    [names] = keys_of(Tables)
    assert names.default == {}
