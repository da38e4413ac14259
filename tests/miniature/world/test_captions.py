from __future__ import annotations

import re

import pytest
import torch
from likeness.miniature.world.captions import COUNTS, write_captions
from likeness.miniature.world.facts import ACCESSORIES, PATTERNS
from likeness.miniature.world.palette import CLOTHING_NAMES, TINT_NAMES
from likeness.miniature.world.people.identity import FACE, NOUNS, SIZES
from likeness.miniature.world.world import World
from likeness.models.clip import text_ids

TOKENS = 77 - 2  # of a prompt that CLIP reads in one go
PLANS = {people: World(seed=2).scenes(range(300), people=(people, people)).plan for people in (1, 2, 3, 4)}


def captions_of(plan, codes=None):
    return write_captions(plan.codes if codes is None else codes, plan.facts, plan.phrasing)


@pytest.mark.parametrize("people", PLANS)
def test_spans_hold_the_nouns_from_left_to_right(people):
    plan = PLANS[people]
    for caption, codes in zip(captions_of(plan), plan.codes, strict=True):
        assert [caption.text[slice(*span)] for span in caption.nouns] == [NOUNS[code] for code in codes[:, FACE]]
        assert list(caption.nouns) == sorted(caption.nouns)


@pytest.mark.parametrize("people", PLANS)
def test_captions_say_every_fact(people):
    facts = PLANS[people].facts
    for row, caption in enumerate(captions_of(PLANS[people])):
        ends = [start for start, _ in caption.nouns[1:]] + [caption.text.rindex(PATTERNS[facts.pattern[row]])]
        for person, (span, end) in enumerate(zip(caption.nouns, ends, strict=True)):
            said = caption.text[span[1] : end]
            worn = ACCESSORIES[facts.accessory[row, person]]
            assert CLOTHING_NAMES[facts.clothing[row, person]] in said
            assert [name for name in ACCESSORIES[1:] if name in said] == ([worn] if worn != "none" else [])
        assert all(colour in caption.text for colour in TINT_NAMES[facts.tint[row]])


def test_somebody_alone_is_said_to_stand_where_they_stand():
    plan = PLANS[1]
    for row, caption in enumerate(captions_of(plan)):
        said = [name for name in ("left", "middle|centre", "right") if re.search(name, caption.text)]
        third = min(int(plan.pose.x[row, 0] * 3), 2)
        assert said == [("left", "middle|centre", "right")[third]]


def test_of_two_people_the_first_is_said_to_stand_on_the_left():
    for caption in captions_of(PLANS[2]):
        second = caption.nouns[1][0]
        assert "on the left" in caption.text[:second]
        assert "on the right" in caption.text[second:]


def test_the_number_of_people_is_said_rightly_if_at_all():
    for people, plan in PLANS.items():
        said = {count for caption in captions_of(plan) for count in COUNTS if f"{count} people" in caption.text}
        assert said == ({COUNTS[people - 1]} if people > 1 else set())


def test_captions_tell_nothing_of_an_identity_but_the_noun():
    for plan in PLANS.values():
        others = torch.stack([torch.randint(size, plan.codes.shape[:2]) for size in SIZES], -1)
        others[..., FACE] = plan.codes[..., FACE]
        assert captions_of(plan, others) == captions_of(plan)


def test_one_fact_is_said_in_several_ways():
    shapes = {re.sub(r"man|woman|boy|girl", "", caption.text.split(" shirt")[0]) for caption in captions_of(PLANS[1])}
    assert len(shapes) > 20


def test_captions_are_short_sentences_of_words_that_clip_knows_whole():
    for caption in captions_of(PLANS[4]):
        ids = text_ids(caption.text)
        assert len(ids) == len(re.findall(r"\w+|[:,]", caption.text)) <= TOKENS
