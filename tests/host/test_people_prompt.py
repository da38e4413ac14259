"""Which rows of a CONDITIONING are whom, in ComfyUI's own tokenizers."""

import pytest
import torch
from likeness.models.clip import text_ids
from likeness.models.errors import InvalidSettingError
from likeness.models.people.marked_prompt import read_prompt
from likeness.models.people.person import People
from likeness.tests.models.omniportrait.small_people import chain, person

pytestmark = pytest.mark.comfy

KINDS = ["sd15", "sdxl"]
LONG = "word " * 90
NAMED = "likeness.named rows"
MAN, WOMAN = text_ids("man")[0], text_ids("woman")[0]
CASES = [
    ("a man @id1 and a woman @id2 in a cafe", "a man and a woman in a cafe"),
    ("a (man @id1:1.2) and ((a woman @id2)) in (a (dark:1.3) cafe:0.8)", "a (man:1.2) and ((a woman)) in (a (dark:1.3) cafe:0.8)"),
    ("(a man:1.2) @id1, (woman) @id2.", "(a man:1.2), (woman)."),
    ("(unbalanced, (a man @id1:1.2) and a woman @id2", "(unbalanced, (a man:1.2) and a woman"),
    ("un) balanced :) (a man @id1:1.2) and a woman @id2", "un) balanced :) (a man:1.2) and a woman"),
    (":) a (man:1.2) @id1 and ((woman) @id2", ":) a (man:1.2) and ((woman)"),
    ("a (man:1.2 @id1) and (woman:1.1) @id2", "a (man:1.2) and (woman:1.1)"),
    ('a "man" @id1, some \\(woman\\)!!! @id2, so', 'a "man" , some \\(woman\\)!!! , so'),
    ("a man @id1's dog, a woman's cat, the woman @id2's", "a man's dog, a woman's cat, the woman's"),
    (LONG + "a man @id1\n\nand a 😀 woman @id2", LONG + "a man\n\nand a 😀 woman"),
    ("a man @id1, " + LONG + "(woman @id2:1.4)", "a man, " + LONG + "(woman:1.4)"),
    ("word " * 74 + "man @id1 woman @id2", "word " * 74 + "man woman"),
]  # fmt: skip


@pytest.fixture(scope="module")
def encode_people_prompt():
    from likeness.host.people_prompt import encode_people_prompt

    return encode_people_prompt


def crowd(count):
    return chain(*(person(f"person {place + 1}", seed=place) for place in range(count)))


def plain(clip, text):
    return clip.encode_from_tokens_scheduled(clip.tokenize(text))


def ids_of(clip, text, name="l"):
    return [entry[0] for row in clip.tokenize(text)[name] for entry in row]


def ids_at(clip, text, rows):
    flat = ids_of(clip, text)
    return [(place, flat[row]) for place, row in rows]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("marked", "without"), CASES)
def test_every_marker_finds_its_noun_and_the_ids_are_those_without_markers(
    encode_people_prompt, narrow_clip, kind, marked, without
):
    clip = narrow_clip(kind)
    for name in clip.tokenize(without):
        assert ids_of(clip, read_prompt(marked).text, name) == ids_of(clip, without, name)
    [[tensor, options]] = encode_people_prompt(clip, crowd(2), marked).conditioning
    [[expected, expected_options]] = plain(clip, without)
    assert torch.equal(tensor, expected)
    assert torch.equal(options["pooled_output"], expected_options["pooled_output"])
    assert ids_at(clip, without, options[NAMED]) == [(0, MAN), (1, WOMAN)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_row_is_that_of_the_nouns_last_token(encode_people_prompt, narrow_clip, kind):
    clip, text = narrow_clip(kind), "one Supercalifragilistic @id1 here"
    pieces = text_ids("Supercalifragilistic")
    assert len(pieces) > 2
    [[_, options]] = encode_people_prompt(clip, crowd(1), text).conditioning
    assert options[NAMED] == ((0, 1 + len(pieces)),)


WORDS = {place: text_ids(words) for place, words in enumerate(("the man on the left", "a very tall woman"))}
PHRASES = [
    ("[the man on the left]@id1 and [a very tall woman] @id2", "the man on the left and a very tall woman"),
    ("[the man on the left]@Ann, [a very tall woman]@ben's", "the man on the left, a very tall woman's"),
    ("(see [the man on the left]@id1:1.2), ([a very tall woman]:1.3 @id2)", "(see the man on the left:1.2), (a very tall woman:1.3)"),
    ("([the man on the left]:1.2) @id1 by [a very (tall:1.1) (woman:0.9)]@id2", "(the man on the left:1.2) by a very (tall:1.1) (woman:0.9)"),
    ("[[the man on the left]@id1] or so]: [a very tall woman]@id2", "[the man on the left] or so]: a very tall woman"),
    (LONG + "see[the man on the left]@id1, " + LONG + "[a very tall woman]@id2", LONG + "see the man on the left, " + LONG + "a very tall woman"),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("marked", "without"), PHRASES)
def test_all_words_in_square_brackets_are_the_person(encode_people_prompt, narrow_clip, kind, marked, without):
    clip, people = narrow_clip(kind), chain(person("Ann"), person("Ben", seed=1))
    prompt = encode_people_prompt(clip, people, marked)
    assert prompt.text == without
    [[tensor, options]] = prompt.conditioning
    assert torch.equal(tensor, plain(clip, without)[0][0])
    found = ids_at(clip, without, options[NAMED])
    assert {place: [id_ for owner, id_ in found if owner == place] for place in (0, 1)} == WORDS
    assert ids_at(clip, without, prompt.rows.nouns) == [(0, MAN), (1, WOMAN)]


def test_a_phrase_without_a_known_noun_ends_with_its_noun(encode_people_prompt, narrow_clip):
    prompt = encode_people_prompt(narrow_clip(), crowd(1), "see [an old (wizard:1.2)]@id1 there")
    assert prompt.rows.nouns == ((0, 4),)
    assert prompt.rows.all == ((0, 2), (0, 3), (0, 4))


def test_empty_brackets_are_no_words(encode_people_prompt, narrow_clip):
    with pytest.raises(InvalidSettingError, match="No word stands before @id1"):
        encode_people_prompt(narrow_clip(), crowd(1), "a man []@id1")


@pytest.mark.parametrize(
    "prompt", ["[a couple]@id1 of two @id2 and [the couple]@id2 @id1", "[a couple @id2]@id1", "[a couple]@id1@id2"]
)
def test_nobody_owns_another_s_words(encode_people_prompt, narrow_clip, prompt):
    with pytest.raises(InvalidSettingError, match="of their own"):
        encode_people_prompt(narrow_clip(), crowd(2), prompt)


def test_a_person_may_have_a_noun_and_words(encode_people_prompt, narrow_clip):
    prompt = encode_people_prompt(narrow_clip(), crowd(1), "a man @id1, [the same man] @id1")
    assert prompt.rows.all == ((0, 2), (0, 4), (0, 5), (0, 6))
    assert prompt.rows.nouns == ((0, 2), (0, 6))


OFF = {"off": {"strength": 0.0}, "never": {"start": 0.5, "end": 0.5}, "left out": {"left_out": True}}


@pytest.mark.parametrize("why", OFF)
def test_the_words_of_somebody_who_is_off_stay_words_and_numbers_stay(encode_people_prompt, narrow_clip, why, caplog):
    clip, people = narrow_clip(), chain(person("Ann", **OFF[why]), person("Ben", seed=1))
    with caplog.at_level("INFO"):
        prompt = encode_people_prompt(clip, people, "[a man]@Ann and a woman @Ben")
    assert prompt.text == "a man and a woman"
    assert ids_at(clip, prompt.text, prompt.rows.all) == [(1, WOMAN)]
    assert sum('"Ann" is off' in record.getMessage() for record in caplog.records) == 1


def test_one_person_needs_no_marker_and_nobody_none(encode_people_prompt, narrow_clip):
    clip = narrow_clip()
    assert ids_at(clip, "a tall woman", encode_people_prompt(clip, crowd(1), "a tall woman").rows.all) == [(0, WOMAN)]
    prompt = encode_people_prompt(clip, People(), "a tall woman @id1")
    assert (prompt.text, prompt.rows.all) == ("a tall woman", ())
    assert torch.equal(prompt.conditioning[0][0], plain(clip, "a tall woman")[0][0])


@pytest.mark.parametrize("prompt", ["@id1 a man", "  @id1, a man", "(@id1:1.2) man", '"...", @id1 man'])
def test_a_marker_needs_a_word_before_it(encode_people_prompt, narrow_clip, prompt):
    with pytest.raises(InvalidSettingError, match=r'No word stands before @id1; .* "a man @id1"'):
        encode_people_prompt(narrow_clip(), crowd(1), prompt)


def test_two_people_cannot_share_a_word(encode_people_prompt, narrow_clip):
    with pytest.raises(InvalidSettingError, match="@id1 and @id2 follow the same word"):
        encode_people_prompt(narrow_clip(), crowd(2), "a couple @id1 @id2")


def test_a_marker_that_would_change_how_the_prompt_is_read_is_refused(encode_people_prompt, narrow_clip):
    """The bracket of a smiley closes nothing, and its two characters are one token."""
    with pytest.raises(
        InvalidSettingError, match=r'right behind its noun and before a weight, as in "\(man @id1:1\.2\)"'
    ):
        encode_people_prompt(narrow_clip(), crowd(1), "a man :) @id1 in a cafe")
