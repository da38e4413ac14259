"""Masks on a layer's grid, and the attention of each region."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from likeness.models.errors import InvalidSettingError, ShapeError
from likeness.models.facestudio.regions import MODES, attend, weights
from torch.nn.functional import interpolate


def random_masks(people, size, seed=0):
    return torch.rand(people, *size, generator=torch.Generator().manual_seed(seed))


def halves(size=(8, 8)):
    """Two people, left and right, with a strip of nobody between."""
    masks = torch.zeros(2, *size)
    masks[0, :, : size[1] // 2 - 1] = 1
    masks[1, :, size[1] // 2 + 1 :] = 1
    return masks


@given(
    st.integers(0, 5),
    st.tuples(st.integers(1, 33), st.integers(1, 33)),
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.sampled_from(MODES),
    st.integers(0, 3),
)
@settings(max_examples=60, deadline=None)
def test_every_position_is_divided_without_rest(people, size, grid, mode, seed):
    got = weights(random_masks(people, size, seed), grid, mode=mode)
    assert got.shape == (people + 1, *grid)
    assert ((got >= 0) & (got <= 1)).all()
    torch.testing.assert_close(got.sum(0), torch.ones(grid))
    if mode != "soft":
        assert set(got.unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("mode", MODES)
def test_people_side_by_side_keep_their_places(mode):
    got = weights(halves(), (4, 8), mode=mode)
    assert torch.equal(got[0, 0], torch.tensor([1.0, 1, 1, 0, 0, 0, 0, 0]))
    assert torch.equal(got[1, 0], torch.tensor([0.0, 0, 0, 0, 0, 1, 1, 1]))
    assert torch.equal(got[2, 0], torch.tensor([0.0, 0, 0, 1, 1, 0, 0, 0]))
    assert torch.equal(got, got[:, :1].expand_as(got))


@pytest.mark.parametrize("mode", ["hard", "soft"])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3)))[1:])
def test_the_order_of_people_only_orders_the_rows(mode, order):
    masks = random_masks(3, (17, 23), seed=2)
    got = weights(masks[list(order)], (5, 7), mode=mode)
    torch.testing.assert_close(got, weights(masks, (5, 7), mode=mode)[[*order, 3]])


def test_soft_shares_are_averages_of_the_cells():
    masks = halves((6, 6)) * 0.7
    got = weights(masks, (3, 3), mode="soft")
    expected = masks.reshape(2, 3, 2, 3, 2).mean((2, 4))
    torch.testing.assert_close(got[:2], expected)
    torch.testing.assert_close(got[2], 1 - expected.sum(0))


def test_soft_shares_that_exceed_one_are_divided_by_their_sum():
    masks = torch.tensor([1.0, 0.6, 0.4])[:, None, None].expand(3, 4, 4)
    got = weights(masks, (2, 2), mode="soft")
    torch.testing.assert_close(got[:, 0, 0], torch.tensor([0.5, 0.3, 0.2, 0]))


@pytest.mark.parametrize(
    ("shares", "winner"),
    [
        ((0.7, 0.6), 0),
        ((0.6, 0.7), 1),
        ((0.6, 0.6), 0),  # the first of equals
        ((0.5, 0.2), 0),  # as much as the background
        ((0.4, 0.3), 2),  # 1 − .4 is more, though both together are more than that
    ],
)
def test_the_largest_share_wins_a_cell(shares, winner):
    masks = torch.zeros(2, 3, 3)
    masks[:, 0, 0] = torch.tensor(shares)
    masks[0, 2, 0] = masks[1, 0, 2] = 1  # so that both have a cell of their own
    assert weights(masks, (3, 3))[:, 0, 0].argmax() == winner


def test_in_front_half_a_cell_is_enough():
    masks = torch.zeros(3, 1, 5)
    masks[:, 0] = torch.tensor([[0.5, 0.4, 0, 0.3, 1], [0.9, 0.6, 0.2, 0.3, 0], [0.9, 0.9, 0.4, 0.9, 0]])
    assert weights(masks, (1, 5), mode="front").argmax(0).tolist() == [[0, 1, 3, 2, 0]]
    assert weights(masks, (1, 5)).argmax(0).tolist() == [[1, 2, 3, 2, 0]]


def test_somebody_small_keeps_the_best_cell():
    masks = torch.zeros(2, 64, 64)
    masks[0, :, :32] = 1
    masks[1, 37:40, 50:54] = 1  # mostly in the cell (4, 6) of 8×8 pixels
    got = weights(masks, (8, 8))
    assert got[1].nonzero().tolist() == [[4, 6]]
    assert got[0].sum() == 32
    assert weights(masks, (1, 1))[:, 0, 0].tolist() == [1, 0, 0], "of one cell only one can be the owner"


def test_two_small_people_in_one_cell_both_stay():
    masks = torch.zeros(2, 16, 16)
    masks[0, 7, 6:9] = 1  # two pixels in the cell (1, 1) of 4×4 pixels, one in (1, 2)
    masks[1, 5:7, 4:7] = 1  # six pixels in (1, 1)
    for order in ([0, 1], [1, 0]):
        got = weights(masks[order], (4, 4))[:2]
        assert got[order.index(1)].nonzero().tolist() == [[1, 1]]
        assert got[order.index(0)].nonzero().tolist() == [[1, 2]]


def test_nobodys_last_cell_is_taken():
    masks = torch.ones(3, 4, 4)
    got = weights(masks, (2, 2))
    assert got.sum((1, 2)).tolist() == [2, 1, 1, 0]


@pytest.mark.parametrize("mode", MODES)
def test_empty_masks_have_no_place(mode):
    masks = torch.cat([halves(), torch.zeros(1, 8, 8)])
    got = weights(masks, (4, 4), mode=mode)
    assert not got[2].any()
    assert torch.equal(got[[0, 1, 3]], weights(halves(), (4, 4), mode=mode))


@pytest.mark.parametrize("mode", MODES)
def test_one_person_and_nobody(mode):
    whole = weights(torch.ones(1, 9, 9), (3, 3), mode=mode)
    assert whole[0].all()
    assert not whole[1].any()
    assert weights(torch.zeros(1, 9, 9), (3, 3), mode=mode)[1].all()
    assert weights(torch.zeros(0, 9, 9), (3, 3), mode=mode).tolist() == [[[1, 1, 1]] * 3]


@pytest.mark.parametrize("grid", [(7, 5), (13, 3), (1, 1), (40, 50)])
def test_odd_grids_are_area_averages(grid):
    masks = random_masks(2, (29, 31)) / 2
    torch.testing.assert_close(
        weights(masks, grid, mode="soft")[:2], interpolate(masks[None], size=grid, mode="area")[0]
    )


def test_values_are_cut_and_types_are_widened():
    masks = halves()
    assert torch.equal(weights(3 * masks - 1, (4, 4)), weights(masks, (4, 4)))
    assert weights(masks.bool(), (4, 4)).dtype == weights(masks.half(), (4, 4)).dtype == torch.float32
    assert weights(masks.double(), (4, 4), mode="soft").dtype == torch.float64


@pytest.mark.parametrize(
    ("masks", "mode", "error", "told"),
    [
        (torch.zeros(4, 4), "hard", ShapeError, "masks has shape"),
        (torch.zeros(1, 0, 4), "hard", InvalidSettingError, "are empty or hold NaN"),
        (torch.full((1, 4, 4), torch.nan), "soft", InvalidSettingError, "are empty or hold NaN"),
        (torch.zeros(1, 4, 4), "firm", InvalidSettingError, '"firm"; choose one of: hard, soft, front'),
    ],
)
def test_what_is_no_mask_is_refused(masks, mode, error, told):
    with pytest.raises(error, match=told):
        weights(masks, (2, 2), mode=mode)


ROWS, HEADS, CHANNELS, TOKENS = 2, 3, 12, 8


def contexts(people, positions, seed=0):
    generator = torch.Generator().manual_seed(seed)
    query = torch.randn(ROWS, positions, CHANNELS, generator=generator)
    keys, values = torch.randn(2, people + 1, TOKENS, CHANNELS, generator=generator)
    return query, keys, values


def attention(query, keys, values):
    """One query vector against the tokens of one context, written out."""
    width = CHANNELS // HEADS
    parts = []
    for head in range(HEADS):
        own = slice(head * width, (head + 1) * width)
        scores = keys[:, own] @ query[own] / width**0.5
        parts.append(scores.softmax(0) @ values[:, own])
    return torch.cat(parts)


@pytest.mark.parametrize("people", [0, 1, 2, 4])
def test_hard_weights_are_each_regions_own_attention(people):
    grid = (5, 7)
    owners = weights(random_masks(people, (20, 21)), grid).flatten(1).T
    query, keys, values = contexts(people, 35)
    got = attend(query, keys, values, owners, heads=HEADS)
    for row, place in itertools.product(range(ROWS), range(35)):
        owner = owners[place].argmax()
        torch.testing.assert_close(
            got[row, place], attention(query[row, place], keys[owner], values[owner]), atol=1e-6, rtol=1e-6
        )


def test_soft_weights_share():
    shares = weights(random_masks(2, (12, 12)), (4, 4), mode="soft").flatten(1).T
    query, keys, values = contexts(2, 16)
    got = attend(query, keys, values, shares, heads=HEADS)
    for row, place in itertools.product(range(ROWS), range(16)):
        expected = sum(shares[place, k] * attention(query[row, place], keys[k], values[k]) for k in range(3))
        torch.testing.assert_close(got[row, place], expected, atol=1e-6, rtol=1e-5)


def test_somebody_elses_context_is_not_seen():
    owners = weights(halves(), (4, 8)).flatten(1).T
    query, keys, values = contexts(2, 32)
    before = attend(query, keys, values, owners, heads=HEADS)
    keys[1], values[1] = 5 * keys[1] + 1, -values[1]
    changed = (attend(query, keys, values, owners, heads=HEADS) != before).any(-1)
    assert torch.equal(changed, (owners[:, 1] == 1).expand_as(changed))


def test_equal_contexts_make_the_regions_not_matter():
    query, keys, values = contexts(2, 16)
    keys, values = (part[:1].expand_as(part) for part in (keys, values))
    shares = weights(random_masks(2, (12, 12)), (4, 4), mode="soft").flatten(1).T
    got = attend(query, keys, values, shares, heads=HEADS)
    torch.testing.assert_close(got, attend(query, keys[:1], values[:1], torch.ones(16, 1), heads=HEADS))


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"weights": torch.ones(16, 2)}, ShapeError, "weights has shape"),
        ({"weights": torch.ones(15, 3)}, ShapeError, "weights has shape"),
        ({"values": torch.ones(3, TOKENS - 1, CHANNELS)}, ShapeError, "values has shape"),
        ({"keys": torch.ones(3, TOKENS, CHANNELS + 1)}, ShapeError, "keys has shape"),
        ({"query": torch.ones(16, CHANNELS)}, ShapeError, "query has shape"),
        ({"heads": 5}, InvalidSettingError, "12 wide, which 5 heads do not divide"),
        ({"heads": 0}, InvalidSettingError, "0 heads"),
    ],
)
def test_what_does_not_fit_is_refused(change, error, told):
    query, keys, values = contexts(2, 16)
    given = {"query": query, "keys": keys, "values": values, "weights": torch.ones(16, 3) / 3, "heads": HEADS}
    with pytest.raises(error, match=told):
        attend(**{**given, **change})
