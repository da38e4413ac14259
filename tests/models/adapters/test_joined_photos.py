"""What a photo's weight adds to the scores of its tokens."""

from __future__ import annotations

import math

import pytest
import torch
from likeness.models.adapters.joined_photos import log_weights
from likeness.models.errors import InvalidSettingError


def test_a_photo_of_half_the_weight_is_read_half_as_much():
    scores, values = torch.randn(3, 6, generator=torch.Generator().manual_seed(0)), torch.arange(6.0)
    read = (scores + log_weights([1.0, 0.5, 1.0], 2)).softmax(-1) @ values
    counts = scores.exp() * torch.tensor([1, 1, 0.5, 0.5, 1, 1])
    torch.testing.assert_close(read, counts @ values / counts.sum(-1))


def test_only_proportions_count_and_alike_is_nothing():
    assert torch.equal(log_weights([4.0, 1.0], 1), log_weights([1.0, 0.25], 1))
    torch.testing.assert_close(log_weights([4.0, 1.0], 2), torch.tensor([0, 0, math.log(0.25), math.log(0.25)]))
    assert log_weights([0.3, 0.3, 0.3], 4) is None
    assert log_weights([0.3], 4) is None


@pytest.mark.parametrize("weights", [(1.0, 0.0), (-1.0, 1.0), (math.nan, 1.0)])
def test_a_photo_of_no_weight_is_refused_for_it_must_be_left_out(weights):
    with pytest.raises(InvalidSettingError, match=r"to be joined weighs .*leave it out"):
        log_weights(weights, 2)
