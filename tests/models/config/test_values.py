"""Values as texts: as a message quotes them, and as a file would hold them."""

from __future__ import annotations

import sys

import pytest
from likeness.models.config.values import as_toml, listed, show

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.mark.parametrize(("value", "text"), [(True, "true"), ("a", '"a"'), ({"a": 1}, "a table"), (1.5, "1.5")])
def test_a_value_is_quoted_as_it_was_written(value, text):
    assert show(value) == text


@pytest.mark.parametrize("value", [True, 3, 1e-05, 0.999, "auto", (0.9, 0.999), (0, 1), ()])
def test_a_default_is_shown_as_a_file_would_hold_it(value):
    read = tomllib.loads(f"key = {as_toml(value)}")["key"]
    assert (tuple(read) if isinstance(read, list) else read) == value


def test_a_whole_number_of_a_fraction_is_short():
    assert as_toml(1.0) == "1"


@pytest.mark.parametrize(("names", "said"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_names_are_listed_as_a_sentence_has_them(names, said):
    assert listed(names) == said
