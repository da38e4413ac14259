"""The layer of perceiver resamplers."""

import math

import pytest
import torch
from likeness.models.adapters.perceiver import PerceiverAttention, feed_forward
from torch.nn.functional import gelu, layer_norm

DIM, INNER, HEAD = 8, 12, 4


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return PerceiverAttention(DIM, INNER, HEAD).requires_grad_(False)


def inputs(features=5, queries=3):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, features, DIM, generator=generator), torch.randn(2, queries, DIM, generator=generator)


def written_out(layer, features, queries, keep=None):
    """Head by head: a softmax over features and queries, dropped features without a share."""
    features, queries = (layer_norm(each, (DIM,)) for each in (features, queries))
    everything = torch.cat([features, queries], dim=1)
    q, (k, v) = layer.to_q(queries), layer.to_kv(everything).chunk(2, dim=-1)
    parts = []
    for head in range(INNER // HEAD):
        at = slice(head * HEAD, (head + 1) * HEAD)
        scores = q[..., at] @ k[..., at].transpose(1, 2) / math.sqrt(HEAD)
        if keep is not None:
            scores[:, :, : features.shape[1]].masked_fill_(~keep.bool()[:, None], -torch.inf)
        parts.append(scores.softmax(-1) @ v[..., at])
    return layer.to_out(torch.cat(parts, dim=-1))


def test_queries_read_features_and_themselves(layer):
    features, queries = inputs()
    torch.testing.assert_close(layer(features, queries), written_out(layer, features, queries))


def test_dropped_features_are_not_read(layer):
    features, queries = inputs()
    keep = torch.tensor([[1.0, 0, 1, 1, 0], [1, 1, 1, 1, 1]])
    got = layer(features, queries, keep)
    torch.testing.assert_close(got, written_out(layer, features, queries, keep))
    changed = features.clone()
    changed[0, 1] = 7 * torch.arange(DIM)
    torch.testing.assert_close(layer(changed, queries, keep), got)
    assert not torch.allclose(layer(changed, queries), layer(features, queries))


def test_where_all_features_are_dropped_queries_read_themselves(layer):
    features, queries = inputs()
    torch.testing.assert_close(layer(features, queries, torch.zeros(2, 5)), layer(features[:, :0], queries))


def test_the_perceptron_is_a_norm_and_two_maps_around_an_exact_gelu():
    torch.manual_seed(0)
    module = feed_forward(DIM, 20).requires_grad_(False)
    x = 3 * torch.randn(2, DIM) + 1
    expected = gelu(layer_norm(x, (DIM,)) @ module[1].weight.T) @ module[3].weight.T
    torch.testing.assert_close(module(x), expected)


def test_scores_make_a_feature_count_more_often(layer):
    """log 2 on a feature is the feature twice, with the queries in the same softmax."""
    features, queries = inputs()
    scores = torch.zeros(1, features.shape[1])
    scores[:, 2] = math.log(2)
    twice = torch.cat([features, features[:, 2:3]], dim=1)
    got = layer(features, queries, None, scores)
    torch.testing.assert_close(got, layer(twice, queries))
    assert not torch.allclose(got, layer(features, queries))


def test_scores_and_dropped_features_go_together(layer):
    features, queries = inputs()
    keep, scores = torch.ones(2, 5), torch.zeros(1, 5)
    keep[:, 4], scores[:, 2] = 0, math.log(2)
    twice = torch.cat([features[:, :4], features[:, 2:3]], dim=1)
    torch.testing.assert_close(layer(features, queries, keep, scores), layer(twice, queries))
