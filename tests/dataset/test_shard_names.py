"""Patterns of shards are filled in, as far as a data set reaches."""

from __future__ import annotations

import os

import pytest
from likeness.dataset.shard_names import find_shards
from likeness.models.errors import MissingModelFileError


def test_patterns_are_filled_in_and_sorted(tmp_path):
    for name in ("a-08.tar", "a-09.tar", "a-10.tar", "b-1-2.tar"):
        (tmp_path / name).touch()
    assert [path.name for path in find_shards("a-{08..10}.tar", tmp_path)] == ["a-08.tar", "a-09.tar", "a-10.tar"]
    assert [path.name for path in find_shards("b-{0..3}-{0..3}.tar", tmp_path)] == ["b-1-2.tar"]


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("{0..99999999}.tar", "100,000,000"), ("{0..999}{0..999}.tar", "1,000,000"), ("{0..9}" * 40, "10,000")],
)
def test_patterns_of_endless_names_are_refused(tmp_path, pattern, count):
    with pytest.raises(MissingModelFileError, match=f"are {count}.* names, and at most 100,000") as refused:
        find_shards(pattern, tmp_path)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    "pattern", ["{0..%s}.tar" % ("9" * 5000), "x" * 5000, "~nosuchuser/a.tar", "a\0b", "{9..0}.tar"]
)
def test_patterns_of_nothing_are_one_sentence(tmp_path, pattern):
    with pytest.raises(MissingModelFileError, match=r"No shard fits|cannot be looked for") as refused:
        find_shards(pattern, tmp_path)
    assert "\n" not in str(refused.value)


def test_a_shard_that_is_no_file_is_named(tmp_path):
    os.mkfifo(tmp_path / "a.tar")
    with pytest.raises(MissingModelFileError, match=r"a\.tar\" is no file, but a pipe"):
        find_shards("*.tar", tmp_path)
