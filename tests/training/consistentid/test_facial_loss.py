import pytest
import torch
from likeness.models.errors import ShapeError
from likeness.training.consistentid.facial_loss import facial_loss


def case(shares):
    """Two words on a 4×4 grid; the first word's region is the left half, the second word does not exist."""
    masks = torch.zeros(1, 2, 8, 8, dtype=torch.uint8)
    masks[0, 0, :, :4] = 1
    scores = torch.zeros(1, 16, 3)
    scores[0, :, 2] = shares.flatten()
    return scores, masks, torch.tensor([[2, 0]]), torch.tensor([[True, False]])


def half(left, right):
    return torch.cat([torch.full((4, 2), left), torch.full((4, 2), right)], dim=1)


def loss(scores, *others, **options):
    return facial_loss([scores], *others, **options).item()


def test_attention_inside_is_rewarded():
    inside, outside = (loss(*case(half(*shares)), normalize=True) for shares in ((0.8, 0.0), (0.0, 0.8)))

    assert inside < -0.6
    assert outside > 0.6


def test_normalising_takes_the_size_away():
    small, large = (loss(*case(half(size, 0.0)), normalize=True) for size in (0.1, 0.9))
    raw = loss(*case(half(0.1, 0.0)), normalize=False)

    assert small == pytest.approx(large, abs=1e-3)
    assert abs(raw) < 0.15


def test_words_that_do_not_exist_do_not_count():
    scores, masks, index, index_mask = case(half(0.8, 0.1))
    scores[..., 0] = torch.rand(16, generator=torch.Generator().manual_seed(1))

    assert loss(scores, masks, index, index_mask) == loss(*case(half(0.8, 0.1)))


def test_layers_are_averaged():
    scores, *others = case(half(0.8, 0.0))
    other, *_ = case(half(0.0, 0.8))
    both = facial_loss([scores, other], *others)

    assert both.item() == pytest.approx((loss(scores, *others) + loss(other, *others)) / 2)


def test_descending_its_gradient_moves_attention_inside():
    scores, *others = case(torch.full((4, 4), 0.5))
    scores.requires_grad_()
    facial_loss([scores], *others, normalize=False).backward()
    gradient = scores.grad[0, :, 2].view(4, 4)

    assert (gradient[:, 0] < 0).all()
    assert (gradient[:, 3] > 0).all()


def test_half_precision_is_summed_in_float32():
    scores, *others = case(half(0.8, 0.0))

    assert facial_loss([scores.half()], *others).dtype == torch.float32


def test_no_words_and_bad_shapes():
    scores, masks, index, index_mask = case(half(0.8, 0.0))

    assert loss(scores, masks, index, torch.zeros_like(index_mask)) == 0
    with pytest.raises(ShapeError, match="no attention maps"):
        facial_loss([], masks, index, index_mask)
    with pytest.raises(ShapeError, match="more than 2 tokens"):
        facial_loss([scores[..., :2]], masks, index, index_mask)
    with pytest.raises(ShapeError, match="side × side"):
        facial_loss([scores[:, :15]], masks, index, index_mask)
