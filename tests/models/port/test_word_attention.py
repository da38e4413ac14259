from __future__ import annotations

import torch
from likeness.models.port.word_attention import Projected, WordAttention, attention_to, spread


def layer(queries=9, keys=9, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Projected(
        torch.randn(2, queries, 8, generator=generator), torch.randn(2, keys, 8, generator=generator), heads=2
    )


def probabilities(projected):
    query, key = projected.split()
    return (query @ key.transpose(-1, -2) / 2).softmax(-1).mean(1)  # (B, L, S); heads are 4 wide


def test_a_column_is_that_of_the_whole_map_and_words_of_several_rows_add_up():
    cross = layer(9, 5)
    whole = probabilities(cross)
    torch.testing.assert_close(attention_to(cross, [3]), whole[..., 3])
    torch.testing.assert_close(attention_to(cross, [1, 3]), whole[..., 1] + whole[..., 3])


def test_values_are_spread_as_by_the_whole_map():
    own, values = layer(), torch.rand(2, 9)
    torch.testing.assert_close(spread(own, values), (probabilities(own) @ values[..., None])[..., 0])


def test_one_row_of_a_batch_is_read_alone():
    both = WordAttention({0: torch.rand(2, 3, 3)}, (layer(), layer(seed=1)), (3, 3))
    values = torch.rand(2, 9)
    alone = both.row(1)
    assert torch.equal(alone.columns[0], both.columns[0][1:])
    torch.testing.assert_close(alone.spread(values[1:]), both.spread(values)[1:])
