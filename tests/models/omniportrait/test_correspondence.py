from __future__ import annotations

import pytest
import torch
from likeness.models.errors import InvalidSettingError, ShapeError
from likeness.models.omniportrait.correspondence import nearest, similarity


def features(count, seed, offset=0.0):
    return torch.randn(count, 24, generator=torch.Generator().manual_seed(seed)) + offset


@pytest.mark.parametrize("chunk", [None, 1, 7, 1000])
@pytest.mark.parametrize("offset", [0.0, 300.0])
def test_the_nearest_feature_is_that_of_the_smallest_distance(chunk, offset):
    reference, generated = features(40, 0, offset), features(31, 1, offset)
    found = nearest(reference, generated, chunk=chunk)
    assert found.dtype == torch.int64
    assert torch.equal(found, torch.cdist(reference.double(), generated.double()).argmin(-1))


def test_half_precision_is_compared_in_full():
    reference, generated = features(40, 0).half(), features(31, 1).half()
    assert torch.equal(nearest(reference, generated), torch.cdist(reference.double(), generated.double()).argmin(-1))


def test_no_reference_feature_finds_none():
    assert nearest(features(0, 0), features(3, 1)).tolist() == []


def test_features_that_cannot_be_matched_are_refused():
    with pytest.raises(InvalidSettingError, match="generated mask is empty"):
        nearest(features(3, 0), features(0, 1))
    with pytest.raises(ShapeError, match="generated"):
        nearest(features(3, 0), torch.zeros(3, 5))
    with pytest.raises(InvalidSettingError, match="chunk is 0"):
        nearest(features(3, 0), features(3, 1), chunk=0)


def test_similarity_goes_from_opposite_to_equal():
    one = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    other = torch.tensor([[-2.0, 0.0], [0.0, 3.0], [0.5, 0.0]])
    torch.testing.assert_close(similarity(one, other), torch.tensor([0.0, 0.5, 1.0]))
