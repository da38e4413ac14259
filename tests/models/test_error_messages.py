"""Messages stay short whatever they quote, and the name of a path's file stays readable."""

from __future__ import annotations

import pytest
from likeness.models.errors import (
    MOST,
    MOST_LINES,
    ConfigError,
    InvalidSettingError,
    LikenessError,
    MissingModelFileError,
    holds_half,
    listed,
    sentence,
    shorten,
)

LONG = "x" * 1_000_000


def test_a_short_message_stays_as_it_is():
    said = 'The file "a.bin" is empty; download it again.'
    assert sentence(said) == said


@pytest.mark.parametrize(
    "said",
    [
        f'Line 3 of region is "{LONG}", which is no number; write numbers.',
        f"The key {LONG} is missing; choose another file.",
        f'The file "{LONG}" lacks "{LONG}"; choose another.',
        LONG,
        "word " * 100_000,
        '"' * 100_000,
        '" ' * 100_000,
        f'"{LONG} {LONG}',
    ],
    ids=["quoted", "word", "two", "all", "words", "marks", "marks apart", "open"],
)
def test_no_message_is_longer_than_allowed(said):
    for kind in (LikenessError, InvalidSettingError, MissingModelFileError):
        assert 0 < len(str(kind(said))) <= MOST


def test_what_is_quoted_is_cut_and_the_advice_stays():
    said = str(InvalidSettingError(f'Line 3 of region is "{"1 " * 5000}", which is no face; write ten numbers.'))
    assert said.startswith('Line 3 of region is "1 1')
    assert said.endswith("which is no face; write ten numbers.")


def test_the_name_of_a_file_stays_readable():
    path = "/".join(["folder"] * 1000) + "/ip-adapter-plus-face_sd15.safetensors"
    said = str(MissingModelFileError(f'"{path}" does not exist; put it there or choose another.'))
    assert "ip-adapter-plus-face_sd15.safetensors" in said
    assert said.endswith("does not exist; put it there or choose another.")


def test_only_what_stands_in_quotation_marks_counts_as_quoted():
    advice = "and then a long advice follows that is as long as anything, but nobody wrote it beside the pack itself"
    said = str(LikenessError(f'"a" is not "b" {advice}, "c" neither. {advice} The file "{LONG}" is empty.'))
    assert said.count(advice) == 2
    assert len(said) <= MOST


def test_the_middle_goes():
    assert shorten("abcdefghijklmnop", 9) == "abc…lmnop"
    assert shorten("abcdefghi", 9) == "abcdefghi"
    assert len(shorten(LONG, 80)) == 80


def test_what_no_screen_shows_is_replaced():
    assert str(LikenessError("a\ud800b\x1b[31mc\x00d")) == "a\ufffdb\ufffd[31mc\ufffdd"
    assert str(LikenessError("a\n\tb 😀 é")) == "a \tb 😀 é"
    str(LikenessError("\udfff")).encode("utf-8")


def test_a_list_of_faults_keeps_its_lines():
    faults = [f'key "{number}{LONG}" is wrong' for number in range(MOST_LINES + 5)]
    said = str(ConfigError("\n".join(faults))).splitlines()
    assert len(said) == MOST_LINES
    assert max(map(len, said)) <= MOST
    assert said[-1] == "and 6 more."
    assert listed("one\ntwo") == "one\ntwo"


@pytest.mark.parametrize(("text", "has"), [("a\ud83d", True), ("\ude00", True), ("😀", False), ("", False)])
def test_half_a_character_is_seen(text, has):
    assert holds_half(text) is has
