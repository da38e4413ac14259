from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from likeness.models.clip import text_ids
from likeness.models.errors import InvalidSettingError
from likeness.models.people.marked_prompt import (
    MOST_MARKS,
    MOST_NESTED,
    NOUNS,
    Mark,
    MarkedPrompt,
    mark_people,
    marked_people,
    read_prompt,
)

# prompt, text without markers, the words that end where the marks are
PROMPTS = [
    ("a man @id1 and a woman @id2 in a cafe", "a man and a woman in a cafe", ["a man", "a man and a woman"]),
    ("a man@id1, a woman  @id12", "a man, a woman", ["a man", "a man, a woman"]),
    ("(man @id1:1.2) in (a (bearded:1.3) hat)", "(man:1.2) in (a (bearded:1.3) hat)", ["(man"]),
    ("(a man:1.2) @id1 runs", "(a man:1.2) runs", ["(a man"]),
    ("(a (man) ) @id1 runs", "(a (man) ) runs", ["(a (man"]),
    ("(a man: 1.2 @id1 ) runs", "(a man: 1.2 ) runs", ["(a man"]),
    ("(a (man:1.1) @id1) runs", "(a (man:1.1) ) runs", ["(a (man"]),
    ("a man (tall:1.1), (red @id1)", "a man (tall:1.1), (red)", ["a man (tall:1.1), (red"]),
    ("a man \\(tall\\) @id1 runs", "a man \\(tall\\) runs", ["a man \\(tall\\)"]),
    ("at 12:30 @id1 he", "at 12:30 he", ["at 12:30"]),
    ("a man\n@id1\nin a hat", "a man\nin a hat", ["a man"]),
    ("a man @ID1's dog", "a man's dog", ["a man"]),
    ("embedding:anna @id1 in a hat", "embedding:anna in a hat", ["embedding:anna"]),
    ("embedding:anna @id1, in a hat", "embedding:anna , in a hat", ["embedding:anna"]),
    ("embedding:anna@id1. Hat", "embedding:anna . Hat", ["embedding:anna"]),
    ("a man @id1 embedding:style", "a man embedding:style", ["a man"]),
    ("so...@id1... yes", "so... ... yes", ["so..."]),
    ("a man @id1 looks at the man @id1", "a man looks at the man", ["a man", "a man looks at the man"]),
    ("a man @id1", "a man", ["a man"]),
    ("@id1 a man", " a man", [""]),
    ("a couple @id1 @id2 here", "a couple here", ["a couple", "a couple"]),
    ("a couple@id1@id2", "a couple", ["a couple", "a couple"]),
    ("mail me@id1nstead or @identity or @id or id1", "mail me@id1nstead or @identity or @id or id1", []),
    ("", "", []),
]


@pytest.mark.parametrize(("prompt", "text", "before"), PROMPTS)
def test_markers_are_taken_out_and_their_places_kept(prompt, text, before):
    found = read_prompt(prompt)
    assert found.text == text
    assert [found.text[: mark.end] for mark in found.marks] == before


def test_a_marker_names_its_person():
    assert read_prompt("a man @id1 and a woman @id12").marks == (Mark(0, 5), Mark(11, 17))
    assert [mark.name for mark in read_prompt("a man @id1 and a woman @id12").marks] == ["@id1", "@id12"]


@pytest.mark.parametrize(
    ("prompt", "plain"),
    [
        ("a man @id1 and a woman @id2 in a cafe", "a man and a woman in a cafe"),
        ("a man @id1, a woman@id2.", "a man, a woman."),
        ('"Anna" @id1, "Bob"@id2!', '"Anna" , "Bob" !'),
        ("a man @id1's dog", "a man's dog"),
        ("a naïve 東京 man @id1 😀", "a naïve 東京 man 😀"),
    ],
)
def test_ids_are_those_of_the_prompt_without_markers(prompt, plain):
    assert text_ids(read_prompt(prompt).text) == text_ids(plain)


@pytest.mark.parametrize("noun", [*NOUNS, "WOMAN"])
def test_one_person_without_a_marker_is_the_first_noun_for_a_person(noun):
    prompt = f"a manly, man-made spider-man embedding:man of Manhattan: a ({noun}:1.2), a girl"
    [mark] = mark_people(prompt, 1).marks
    assert mark.person == 0
    assert prompt[: mark.end].endswith(f"a ({noun}")


def test_without_marker_or_noun_the_message_tells_how_to_write_one():
    with pytest.raises(InvalidSettingError, match='write @id1 behind the one that does, as in "a wizard @id1"'):
        mark_people("a wizard in a forest", 1)
    assert mark_people("a wizard @id1 in a forest", 1).marks == (Mark(0, 8),)


def test_several_people_need_markers():
    with pytest.raises(InvalidSettingError, match=r"has 2 people, but no marker .* write @id1 to @id2 behind"):
        mark_people("a man and a woman", 2)


@pytest.mark.parametrize(
    ("prompt", "people", "message"),
    [
        ("a man @id1 and @id3, @id4, @id3", 2, r"names @id3, @id4, but .* has 2 people; .* use @id1 to @id2"),
        ("a man @id2", 1, r"names @id2, but .* has 1 person; add one more or use @id1\."),
        ("a man @id0", 1, "names @id0"),
    ],
)
def test_a_marker_for_nobody_is_refused(prompt, people, message):
    with pytest.raises(InvalidSettingError, match=message):
        mark_people(prompt, people)


def test_people_without_a_marker_are_told():
    assert mark_people("a man @id2", 3).without(3) == [0, 2]


def test_without_anybody_nothing_is_marked():
    assert mark_people("a man @id1 in a cafe", 0) == MarkedPrompt("a man in a cafe")


def test_the_nouns_of_those_who_do_not_act_are_left_as_they_are():
    prompt = "a man @id1 and a woman @id2"
    assert mark_people(prompt, 2, {1}) == MarkedPrompt("a man and a woman", (Mark(1, 17),))
    assert mark_people(prompt, 2, ()) == MarkedPrompt("a man and a woman")
    assert mark_people("a wizard in a forest", 1, ()) == MarkedPrompt("a wizard in a forest")
    assert mark_people("a man and a woman", 2, ()) == MarkedPrompt("a man and a woman")
    with pytest.raises(InvalidSettingError, match="names @id3"):
        mark_people("a man @id3", 2, ())


# prompt, text without markers, (place, the words that are marked, the text up to the noun's end)
PHRASES = [
    ("see [the man on the left]@id1 run", "see the man on the left run", [(0, "the man on the left", "see the man")]),
    ("[a wizard] @id2.", "a wizard.", [(1, "a wizard", "a wizard")]),
    ("([a man]@id1:1.2) [b] c", "(a man:1.2) [b] c", [(0, "a man", "(a man")]),
    ("([a man]:1.2) @id1", "(a man:1.2)", [(0, "a man", "(a man")]),
    ("fat[man]@id1", "fat man", [(0, "man", "fat man")]),
    ("a [red] man @id1", "a [red] man", [(0, None, "a [red] man")]),
    ("a man] @id1", "a man]", [(0, None, "a man]")]),
    ("a man @id1, [the man]@id1", "a man, the man", [(0, None, "a man"), (0, "the man", "a man, the man")]),
]


@pytest.mark.parametrize(("prompt", "text", "marks"), PHRASES)
def test_square_brackets_hold_several_words(prompt, text, marks):
    found = read_prompt(prompt)
    assert found.text == text
    words = [None if mark.phrase is None else text[slice(*mark.phrase)] for mark in found.marks]
    assert [(mark.person, phrase, text[: mark.end]) for mark, phrase in zip(found.marks, words, strict=True)] == marks


def test_brackets_hold_one_marker():
    with pytest.raises(InvalidSettingError, match="brackets before @id2 hold @id1 as well"):
        read_prompt("[a man @id1 and a woman]@id2")


NAMES = ("Ann", "Ann Lee", "Dr. (B)", "id1", "ben", "Ben", "person 7")


@pytest.mark.parametrize(
    ("prompt", "text", "people"),
    [
        ("a girl @Ann and a lady @ann lee", "a girl and a lady", [0, 1]),
        ("a lady @Ann  Lee, a man @dr. (b).", "a lady, a man.", [1, 2]),
        ("a boy @Ben, a boy @ben, a girl @person 7", "a boy, a boy, a girl", [5, 4, 6]),
        ("a girl @Anna or @somebody", "a girl @Anna or @somebody", []),
        ("a girl @id1", "a girl", [0]),
    ],
)
def test_a_marker_may_be_a_name(prompt, text, people):
    found = read_prompt(prompt, NAMES)
    assert (found.text, [mark.person for mark in found.marks]) == (text, people)


def test_a_name_of_several_people_is_refused():
    with pytest.raises(InvalidSettingError, match="@BEN may be @id5, @id6; write the number"):
        read_prompt("a boy @BEN", NAMES)


def test_names_count_only_where_they_are_given():
    assert read_prompt("a girl @Ann").marks == ()
    assert mark_people("a girl @Ann, a boy @ben", 2, names=("Ben", "Ann")).marks == (Mark(1, 6), Mark(0, 13))


def test_letters_that_python_takes_for_alike_are_one_name():
    assert [mark.person for mark in read_prompt("a boy @\u017fam", ("Sam",)).marks] == [0]


def test_where_markers_are_a_choice_none_is_no_error():
    assert marked_people("a man and a woman", 2) == MarkedPrompt("a man and a woman")
    assert marked_people("a man @id1", 2).marks == (Mark(0, 5),)
    with pytest.raises(InvalidSettingError, match="names @id3"):
        marked_people("a man @id3", 2)


@pytest.mark.parametrize("number", ["1" * 10, "9" * 5000, "²" + "1" * 10])
def test_a_number_of_thousands_of_digits_is_refused(number):
    if number.isdecimal():
        with pytest.raises(InvalidSettingError, match="is a number of"):
            read_prompt(f"a man @id{number}")
    else:
        assert read_prompt(f"a man @id{number}").marks == ()


def test_half_a_character_is_refused():
    with pytest.raises(InvalidSettingError, match="half a character"):
        read_prompt("a man \ud83d @id1")
    assert read_prompt("a man 😀 @id1").text == "a man 😀"


def test_brackets_in_brackets_have_an_end():
    """ComfyUI's own parser goes into itself for each, until Python stops it."""
    deep = "(" * MOST_NESTED
    assert read_prompt(f"{deep}a{')' * MOST_NESTED} @id1").marks
    assert read_prompt("(a) " * 500 + "\\(" * 500).text
    with pytest.raises(InvalidSettingError, match="brackets in each other"):
        read_prompt(f"({deep}a")


def test_there_are_not_more_marks_than_anybody_needs():
    assert len(read_prompt("a man @id1 " * MOST_MARKS).marks) == MOST_MARKS
    with pytest.raises(InvalidSettingError, match=f"more than {MOST_MARKS} markers"):
        read_prompt("a man @id1 " * (MOST_MARKS + 1))


@given(text=st.text(alphabet="a1:.)( -+\\", max_size=30))
def test_brackets_read_from_the_end_are_those_read_from_the_beginning(text):
    """The pattern by which a user's brackets are described, as slow as it is."""
    weight = r":\s*[-+]?[\d.]+\s*"
    closed = re.search(rf"(?:(?:{weight})?(?<!\\)\)\s*)+$", text)
    (mark,) = read_prompt(f"{text}@id1 x").marks
    assert mark.end == (closed.start() if closed else len(text.rstrip()))
