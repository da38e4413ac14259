"""The face localisation loss: numbers worked out by hand, the softmax's own columns, gradients, refusals."""

from __future__ import annotations

import math

import pytest
import torch
from likeness.models.errors import ShapeError
from likeness.models.port.word_attention import attention_columns
from likeness.training.omniportrait.face_localization import face_localization_loss

THERE = torch.ones(1, 1, dtype=torch.bool)


def flat(value, *shape):
    return torch.full(shape, value)


def halves(left, right, side):
    """A map whose columns are `left` in the left half."""
    return torch.tensor([left, right]).repeat_interleave(side // 2).expand(1, 1, side, side)


def test_a_column_is_that_of_the_softmax_over_all_rows():
    generator = torch.Generator().manual_seed(0)
    queries, keys = (torch.randn(2, 3, size, 4, generator=generator) for size in (9, 5))
    rows = torch.tensor([[1, 4], [0, 0]])
    whole = (queries @ keys.transpose(-1, -2) / 2).softmax(-1).mean(1)  # (2, 9, 5); the head is 4 wide
    columns = attention_columns(queries, keys, rows)
    assert columns.shape == (2, 2, 9)
    for picture in range(2):
        for person in range(2):
            torch.testing.assert_close(columns[picture, person], whole[picture, :, rows[picture, person]])


def test_a_column_by_hand():
    keys = torch.tensor([0.0, math.log(3)]).view(1, 1, 2, 1)  # two rows, of which the second weighs three times as much
    queries = torch.tensor([1.0, 0.0, -1.0]).view(1, 1, 3, 1)
    columns = attention_columns(queries, keys, torch.tensor([[1]]))
    torch.testing.assert_close(columns, torch.tensor([[[0.75, 0.5, 0.25]]]))


def test_columns_keep_their_precision_where_one_row_takes_nearly_all():
    keys = torch.tensor([0.0, 200.0]).view(1, 1, 2, 1)
    columns = attention_columns(torch.ones(1, 1, 1, 1), keys, torch.tensor([[0, 1]]))
    torch.testing.assert_close(columns, torch.tensor([[[0.0], [1.0]]]))


def test_the_loss_is_the_mean_of_the_squared_differences():
    face = halves(1.0, 0.0, 16)
    assert float(face_localization_loss([halves(1.0, 0.0, 16)], face, THERE)) == 0
    assert float(face_localization_loss([flat(0.5, 1, 1, 16, 16)], face, THERE)) == pytest.approx(0.25)
    assert float(face_localization_loss([halves(0.25, 0.5, 16)], face, THERE)) == pytest.approx((0.75**2 + 0.5**2) / 2)


def test_faces_stay_soft_at_the_size_of_the_map():
    face = torch.zeros(1, 1, 32, 32)
    face[..., 0, 0] = 1  # a quarter of the first of 16 by 16 places
    attention = torch.zeros(1, 1, 16, 16)
    assert float(face_localization_loss([attention], face, THERE)) == pytest.approx(0.25**2 / 256)
    attention[..., 0, 0] = 0.25
    assert float(face_localization_loss([attention], face, THERE)) == 0


def test_larger_maps_are_pooled_before_they_are_compared():
    chequered = (torch.arange(32)[:, None] + torch.arange(32)) % 2  # every 2 by 2 places have a mean of one half
    attention = chequered.float().expand(1, 1, 32, 32)
    assert float(face_localization_loss([attention], flat(0.5, 1, 1, 64, 64), THERE)) == 0


def test_smaller_maps_are_compared_as_they_are():
    attention, face = halves(0.5, 0.0, 4), halves(1.0, 0.0, 64)
    assert float(face_localization_loss([attention], face, THERE)) == pytest.approx(0.125)


def test_maps_may_be_wider_than_high():
    attention = torch.zeros(1, 1, 32, 64)
    attention[..., :32] = 1
    face = torch.zeros(1, 1, 64, 128)
    face[..., :64] = 1
    assert float(face_localization_loss([attention], face, THERE)) == 0


def test_layers_are_averaged_before_they_are_compared():
    face = flat(0.5, 1, 1, 16, 16)
    assert float(face_localization_loss([flat(0.0, 1, 1, 16, 16), flat(1.0, 1, 1, 16, 16)], face, THERE)) == 0


def test_people_of_a_picture_are_averaged_and_pictures_without_anybody_count_as_nothing():
    attention = flat(0.0, 2, 2, 16, 16)
    faces = torch.tensor([[1.0, 0.5], [1.0, 1.0]])[..., None, None].expand(2, 2, 16, 16)

    def loss(*present):
        return float(face_localization_loss([attention], faces, torch.tensor(present)))

    assert loss([True, True], [True, True]) == pytest.approx((0.625 + 1) / 2)
    assert loss([True, False], [True, True]) == pytest.approx(1)
    assert loss([False, True], [False, False]) == pytest.approx(0.125)
    assert loss([False, False], [False, False]) == 0


def test_the_gradient_is_that_of_the_formula():
    attention = flat(0.25, 1, 1, 16, 16).requires_grad_()
    face_localization_loss([attention, flat(0.75, 1, 1, 16, 16)], halves(1.0, 0.0, 16), THERE).backward()
    expected = 2 * (0.5 - halves(1.0, 0.0, 16)) / 256 / 2  # half of the mean of two layers
    torch.testing.assert_close(attention.grad, expected)


def test_gradients_of_columns_are_right():
    generator = torch.Generator().manual_seed(1)
    queries, keys = (torch.randn(1, 2, 4, 3, generator=generator, dtype=torch.float64) for _ in range(2))

    def loss(queries, keys):
        maps = attention_columns(queries, keys, torch.tensor([[2]])).unflatten(-1, (2, 2))
        return face_localization_loss([maps], torch.tensor([[[[1.0, 0.0], [0.5, 0.0]]]]), THERE)

    inputs = (queries.requires_grad_(), keys.requires_grad_())
    assert torch.autograd.gradcheck(loss, inputs, eps=1e-3, atol=1e-3)  # the logits are float32


@pytest.mark.parametrize(
    ("maps", "faces", "present", "message"),
    [
        ([], flat(0.0, 1, 1, 16, 16), THERE, "no attention maps"),
        ([flat(0.0, 1, 2, 16, 16)], flat(0.0, 1, 1, 16, 16), THERE, "a map"),
        ([flat(0.0, 1, 1, 16, 16)], flat(0.0, 1, 2, 16, 16), THERE, "faces"),
    ],
)
def test_what_does_not_belong_together_is_refused(maps, faces, present, message):
    with pytest.raises(ShapeError, match=message):
        face_localization_loss(maps, faces, present)
