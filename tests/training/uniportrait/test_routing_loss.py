"""Boxes as masks and the distance from them, against numbers counted by hand."""

import pytest
import torch
from likeness.training.uniportrait.routing_loss import draw_boxes, routing_loss

LEFT, RIGHT = [0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]
BOTH = torch.ones(1, 2, dtype=torch.bool)


def shares(*masks):
    """(1, L, N) from one grid per person."""
    return torch.tensor(masks, dtype=torch.float32).flatten(1).T[None]


def test_boxes_cover_their_share_of_every_cell():
    masks = draw_boxes(torch.tensor([[[0.25, 0.0, 0.5, 1.0], [0.0, 0.0, 1 / 256, 1.0]]]), BOTH)
    assert masks.shape == (1, 2, 128, 128)
    torch.testing.assert_close(masks.mean(dim=(2, 3)), torch.tensor([[0.25, 1 / 256]]))
    assert masks[0, 0, :, 32:64].eq(1).all()
    torch.testing.assert_close(masks[0, 1, :, 0], torch.full((128,), 0.5))


def test_perfect_routing_costs_nothing_and_the_wrong_one_all():
    boxes = torch.tensor([[LEFT, RIGHT]])
    first, second = [[1, 1], [0, 0]], [[0, 0], [1, 1]]
    assert routing_loss([(shares(first, second), (2, 2))], boxes, BOTH) == 0
    # two cells of four inside the faces, wrong for both people: 1/2 · 2 · 2, of the mean 1/2 · 2 · (2/4)
    half = [[0.5, 0.5], [0.5, 0.5]]
    for form, all_wrong, undecided in (("sum", 2.0, 0.5), ("mean", 0.5, 0.125)):
        wrong = routing_loss([(shares(second, first), (2, 2))], boxes, BOTH, form=form)
        torch.testing.assert_close(wrong, torch.tensor(all_wrong))
        found = routing_loss([(shares(half, half), (2, 2))], boxes, BOTH, form=form)
        torch.testing.assert_close(found, torch.tensor(undecided))


def test_without_a_word_it_is_the_equation():
    """λ · 1/N · ‖W ⊙ (ψ − M)‖² of one layer, written with loops."""
    boxes, grid = torch.tensor([[[0.0, 0.0, 0.5, 1.0], [0.5, 0.25, 1.0, 0.75], [0.25, 0.75, 1.0, 1.0]]]), (4, 4)
    present = torch.ones(1, 3, dtype=torch.bool)
    psi = torch.rand(1, 16, 3, generator=torch.Generator().manual_seed(3)).softmax(-1)
    total = 0.0
    for row in range(4):
        for column in range(4):
            masks = [
                float(left <= column / 4 < right and top <= row / 4 < bottom)
                for left, top, right, bottom in boxes[0].tolist()
            ]
            total += sum((max(masks) * (float(psi[0, row * 4 + column, n]) - masks[n])) ** 2 for n in range(3))
    torch.testing.assert_close(routing_loss([(psi, grid)], boxes, present), torch.tensor(total / 3))


@pytest.mark.parametrize("side", [8, 64])
def test_the_gradient_of_the_sum_is_as_many_times_longer_as_a_layer_has_positions(side):
    psi = torch.rand(1, side * side, 2, generator=torch.Generator().manual_seed(1)).softmax(-1)
    gradients = {}
    for form in ("sum", "mean"):
        leaf = psi.clone().requires_grad_()
        routing_loss([(leaf, (side, side))], torch.tensor([[LEFT, RIGHT]]), BOTH, form=form).backward()
        gradients[form] = leaf.grad
    assert gradients["mean"].any()
    torch.testing.assert_close(gradients["sum"], side * side * gradients["mean"])


def test_outside_the_faces_everything_is_free():
    boxes = torch.tensor([[LEFT, RIGHT]])
    one = shares([[1, 0.3], [0.9, 0]], [[0, 0.7], [0.1, 1]])
    assert routing_loss([(one, (2, 2))], boxes, BOTH) == 0


def test_layers_and_rows_are_averaged():
    boxes = torch.tensor([[LEFT, RIGHT]])
    right, wrong = (shares([[a, 0], [0, b]], [[b, 0], [0, a]]) for a, b in ((1, 0), (0, 1)))
    fine = torch.nn.functional.interpolate(wrong.mT.reshape(1, 2, 2, 2), scale_factor=2).flatten(2).mT
    for form, layers, rows in (("sum", (0 + 8) / 2, (0 + 2) / 2), ("mean", 0.25, 0.25)):
        both = routing_loss([(right, (2, 2)), (fine, (4, 4))], boxes, BOTH, form=form)
        torch.testing.assert_close(both, torch.tensor(layers))
        stacked = [(torch.cat([right, wrong]), (2, 2))]
        found = routing_loss(stacked, boxes.expand(2, -1, -1), BOTH.expand(2, -1), form=form)
        torch.testing.assert_close(found, torch.tensor(rows))


@pytest.mark.parametrize("grid", [(1, 2), (3, 5), (64, 64)])
def test_any_grid_is_finite(grid):
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(1, grid[0] * grid[1], 2, generator=generator).softmax(-1)
    loss = routing_loss([(values, grid)], torch.tensor([[LEFT, RIGHT]]), BOTH, form="mean")
    assert 0 < loss < 1


def test_pictures_without_people_count_nothing():
    nobody = torch.zeros(1, 2, dtype=torch.bool)
    assert routing_loss([(torch.rand(1, 4, 2), (2, 2))], torch.tensor([[LEFT, RIGHT]]), nobody) == 0
