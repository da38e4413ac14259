"""People found by their words."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.omniportrait.attention_masks import AttentionMasks
from likeness.tests.models.omniportrait.small_steps import LEFT, RIGHT, SIDE, attention, blob, people, step


def test_words_find_people_where_they_attend_to():
    both = attention(blob(LEFT) + 0.01, blob(RIGHT) + 0.01)
    masks = AttentionMasks().find(people(), step(attention=both))[:, 0] > 0.5
    for mask, box in zip(masks, (LEFT, RIGHT), strict=True):
        wanted = blob(box) > 0
        assert (mask & wanted).sum() > 0.9 * wanted.sum()
        assert (mask & ~wanted).sum() < wanted.sum()


def test_a_mask_that_is_no_face_leaves_the_one_before_and_at_first_nobody():
    good, flat = attention(blob(LEFT) + 0.01), attention(torch.ones(SIDE, SIDE))
    memory = {}
    source = AttentionMasks()
    assert not source.find(people(1), step(attention=flat, memory=memory)).any()
    found = source.find(people(1), step(attention=good, memory=memory))
    assert found.any()
    assert torch.equal(source.find(people(1), step(attention=flat, memory=memory)), found)


def test_somebody_without_a_word_is_named():
    with pytest.raises(InvalidSettingError, match=r'"Ben"; write @id2'):
        AttentionMasks().find(people(), step(attention=attention(blob(LEFT))))
