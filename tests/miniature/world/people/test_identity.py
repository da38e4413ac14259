from __future__ import annotations

import pytest
import torch
from likeness.miniature.world.people.identity import IDENTITIES, SIZES, codes_of, identities, numbers_of
from likeness.models.errors import InvalidSettingError


def test_every_number_is_one_combination_of_attributes():
    codes = codes_of(torch.arange(IDENTITIES))
    assert torch.equal(numbers_of(codes), torch.arange(IDENTITIES))
    assert (codes.amax(0) + 1).tolist() == list(SIZES)
    assert IDENTITIES >= 20_000


def test_a_fifth_is_held_out_and_never_in_training():
    train, held_out = identities("train"), identities("held out")
    assert torch.cat((train, held_out)).sort().values.equal(torch.arange(IDENTITIES))
    assert len(held_out) == round(0.2 * IDENTITIES)


def test_training_knows_every_value_of_every_attribute_with_every_value_of_another():
    codes = codes_of(identities("train"))
    for first in range(len(SIZES)):
        for second in range(first):
            pairs = set(zip(codes[:, first].tolist(), codes[:, second].tolist(), strict=True))
            assert len(pairs) == SIZES[first] * SIZES[second]


def test_the_split_is_the_one_that_scores_were_measured_on():
    assert identities("held out")[:6].tolist() == [9, 21, 23, 25, 33, 34]


def test_an_unknown_part_of_the_world_is_refused():
    with pytest.raises(InvalidSettingError, match='no part "test"'):
        identities("test")
