"""Which row of the text is a person's."""

from __future__ import annotations

import json

import pytest
from likeness.dataset.manifest import parse_row
from likeness.models.clip import text_ids
from likeness.tests.training.small_pictures import person, row
from likeness.training.batches.noun_rows import last_token, noun_rows

pytest.importorskip("open_clip")


def parsed(*persons, **changes):
    found = parse_row(json.dumps(row(1, *persons, **changes)).encode(), "manifest.jsonl", 1)
    assert found.row is not None, found.faults
    return found.row


def named(caption, *words):
    """The manifest's entries of some words, for persons 0, 1, …; None names a word of nobody in particular."""
    starts = [(caption.index(word), who) for word, who in words]
    return [
        {"word": word, "span": [start, start + len(word)], "person": who}
        for (start, who), (word, _) in zip(starts, words, strict=True)
    ]


def rows_of(one):
    return noun_rows(one, one.persons)


def test_a_known_word_is_found_without_help():
    assert rows_of(parsed(caption="portrait of a young woman by the sea")) == (5,)  # the text begins in row 1


def test_the_manifest_wins_over_known_words():
    caption = "the man's wizard"
    assert rows_of(parsed(caption=caption)) == (2,)
    assert rows_of(parsed(caption=caption, nouns=named(caption, ("wizard", 0)))) == (4,)


def test_the_last_token_of_a_word_of_several_is_taken():
    caption = "a swashbuckler at sea"
    pieces = len(text_ids("swashbuckler"))
    assert pieces > 1
    assert rows_of(parsed(caption=caption, nouns=named(caption, ("swashbuckler", 0)))) == (1 + pieces,)


def test_several_people_need_nouns_of_their_own():
    caption = "a man and a woman"
    both = (person(8, 16, 24), person(44, 16, 24))
    assert rows_of(parsed(*both, caption=caption)) is None
    assert rows_of(parsed(*both, caption=caption, nouns=named(caption, ("man", 0)))) is None
    assert rows_of(parsed(*both, caption=caption, nouns=named(caption, ("man", 1), ("woman", 0)))) == (5, 2)
    assert (
        rows_of(parsed(*both, caption=caption, nouns=named(caption, ("man", 0), ("man", 1)))) is None
    )  # one row for two
    assert rows_of(parsed(*both, caption=caption, nouns=named(caption, ("man", 0), ("woman", None)))) is None


def test_one_of_several_is_not_guessed_either():
    two = parsed(person(8, 16, 24), person(44, 16, 24), caption="a man and a woman")
    assert noun_rows(two, two.persons[:1]) is None


def test_a_word_of_nobody_in_particular_leaves_the_known_words():
    caption = "a crowd and a woman"
    assert rows_of(parsed(caption=caption, nouns=named(caption, ("crowd", None)))) == (5,)


@pytest.mark.parametrize("caption", ["", "a cat", "humanity", "sea, " * 40 + "a man"])
def test_without_a_word_within_reach_there_is_none(caption):
    assert rows_of(parsed(caption=caption)) is None


def test_the_end_of_a_token_is_no_part_of_another():
    assert last_token("a woman", 7) == 2
    assert last_token("a woman", 5) is None  # "wom" is read otherwise alone
    assert last_token("woman", 0) is None
    assert last_token("  a \n Woman reads", 12) == 2  # blanks and capitals count for nothing


def test_the_last_row_that_fits_is_the_75th():
    assert last_token("sea " * 74 + "man", 74 * 4 + 3) == 75
    assert last_token("sea " * 75 + "man", 75 * 4 + 3) is None
