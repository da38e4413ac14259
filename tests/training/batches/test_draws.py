"""Random numbers depend on seed, row and purpose, and on nothing else."""

import pytest
import torch
from likeness.training.batches.draws import Draws


def test_rows_draw_the_same_in_any_batch():
    whole = Draws(3, (10, 11, 12)).normal("noise", (4, 5))
    for place, position in enumerate((10, 11, 12)):
        assert torch.equal(Draws(3, (position,)).normal("noise", (4, 5))[0], whole[place])


def test_seed_row_and_purpose_change_the_numbers():
    base = Draws(0, (1,)).uniform("a", (50,))
    for other in (
        Draws(1, (1,)).uniform("a", (50,)),
        Draws(0, (2,)).uniform("a", (50,)),
        Draws(0, (1,)).uniform("b", (50,)),
    ):
        assert not torch.equal(base, other)


def test_the_global_generator_is_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    Draws(0, (1, 2)).normal("noise", (9,))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("shape", [(), (3,), (2, 7)])
def test_shapes_and_ranges(shape):
    draws = Draws(0, tuple(range(200)))
    values = draws.uniform("u", shape)
    assert values.shape == (200, *shape)
    assert 0 <= values.min() < 0.1 < 0.9 < values.max() < 1
    assert draws.integers("i", 10).unique().tolist() == list(range(10))


def test_gumbel_values_have_gumbels_mean_and_spread():
    values = Draws(0, tuple(range(20))).gumbel("g", (1000,))
    assert torch.isfinite(values).all()
    assert abs(values.mean() - 0.5772) < 0.02
    assert abs(values.std() - 1.2825) < 0.02


@pytest.mark.parametrize("length", [1, 3, 8, 17, 64])
def test_more_people_change_nobodys_numbers(length):
    draws = Draws(0, (5,))
    assert torch.equal(draws.uniform("u", (4, length))[:, :2], draws.uniform("u", (2, length)))
