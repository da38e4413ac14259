import pytest
import torch
from likeness.models.consistentid.facial_encoder import FacialEncoder, fuse_regions
from likeness.models.consistentid.facial_regions import FacialRegion
from likeness.models.errors import ShapeError, UnknownCheckpointError
from likeness.tests.models.consistentid.conftest import HEAD, WIDTH


@pytest.fixture
def encoder(encoder_weights):
    return FacialEncoder.from_state_dict(encoder_weights, dim_head=8)


@pytest.fixture
def regions():
    return torch.randn(2, 5, 7, 12, generator=torch.Generator().manual_seed(6))


@pytest.fixture
def text():
    return torch.randn(2, 9, 16, generator=torch.Generator().manual_seed(7))


def masks(*rows, length):
    mask = torch.zeros(len(rows), length, dtype=torch.bool)
    for row, marked in zip(mask, rows, strict=True):
        row[list(marked)] = True
    return mask


def test_every_row_has_masks_of_its_own(encoder, text, regions):
    tokens, valid = masks([2, 5, 6], [1], length=9), masks([0, 1, 2], [0], length=5)
    fused = encoder(text, regions, tokens, valid)

    for row in range(2):
        alone = encoder(*(tensor[row : row + 1] for tensor in (text, regions, tokens, valid)))
        torch.testing.assert_close(fused[row : row + 1], alone)
    assert torch.equal(fused[~tokens], text[~tokens])
    assert ((fused - text)[tokens].abs().amax(dim=-1) > 1e-3).all()


def test_the_input_stays_as_it_is(encoder, text, regions):
    before = text.clone()
    fused = encoder(text, regions, masks([2], [1], length=9), masks([0], [0], length=5))
    untouched = encoder(text, regions, masks([], [], length=9), masks([], [], length=5))

    assert torch.equal(text, before)
    assert torch.equal(untouched, text)
    assert untouched is not text
    assert not torch.equal(fused, text)


def test_padding_has_no_influence(encoder, text, regions):
    tokens, valid = masks([2], [1], length=9), masks([0], [0], length=5)
    other = regions.clone()
    other[:, 1:] = torch.nan

    assert torch.equal(encoder(text, regions, tokens, valid), encoder(text, other, tokens, valid))


def test_parts_equal_the_whole(encoder, text, regions):
    tokens, valid = masks([2, 5], [1, 3], length=9), masks([0, 1], [0, 1], length=5)
    vectors = encoder.regions(regions)

    rows = encoder.fuse(text[0, [2, 5]], vectors[0, :2])
    torch.testing.assert_close(encoder(text, regions, tokens, valid)[0, [2, 5]], rows)
    assert vectors.shape == (2, 5, 16)
    assert encoder.regions(regions[:, :0]).shape == (2, 0, 16)


def test_gradients_reach_text_and_regions(encoder, text, regions):
    text.requires_grad_()
    regions.requires_grad_()
    encoder(text, regions, masks([2], [1], length=9), masks([0], [0], length=5)).sum().backward()

    assert text.grad.abs().sum() > 0
    assert regions.grad[:, 0].abs().sum() > 0
    assert regions.grad[:, 1:].abs().sum() == 0


def test_half_precision_text_keeps_its_type(encoder, text, regions):
    fused = encoder.half()(text.half(), regions.half(), masks([2], [1], length=9), masks([0], [0], length=5))

    assert fused.dtype == torch.float16


def test_one_region_per_mark(encoder, text, regions):
    with pytest.raises(ShapeError, match=r"\[1, 1\] marked rows and \[2, 1\] facial regions"):
        encoder(text, regions, masks([2], [1], length=9), masks([0, 1], [0], length=5))


def test_other_widths_are_refused(encoder, text, regions):
    tokens, valid = masks([2], [1], length=9), masks([0], [0], length=5)

    with pytest.raises(ShapeError, match="text"):
        encoder(text[..., 1:], regions, tokens, valid)
    with pytest.raises(ShapeError, match="region_tokens"):
        encoder(text, regions[..., 1:], tokens, valid)


def test_faults_are_named(encoder_weights):
    del encoder_weights["fuse_module.mlp1.fc1.bias"]

    with pytest.raises(UnknownCheckpointError, match=r"fuse_module\.mlp1\.fc1\.bias"):
        FacialEncoder.from_state_dict(encoder_weights, dim_head=8)


@pytest.fixture
def facial_encoder(encoder_weights):
    return FacialEncoder.from_state_dict(encoder_weights, dim_head=HEAD)


@pytest.fixture
def prompt():
    return torch.randn(1, 7, WIDTH, generator=torch.Generator().manual_seed(0))


def region(seed, strength=1.0):
    vector = torch.randn(1, WIDTH, generator=torch.Generator().manual_seed(seed))
    return FacialRegion(name="Nose", vector=vector, strength=strength)


def test_every_place_takes_its_own_region(facial_encoder, prompt):
    fused = fuse_regions(facial_encoder, prompt, [4, 1], [region(1), region(2)])
    for place, seed in ((4, 1), (1, 2)):
        torch.testing.assert_close(fused[0, place], facial_encoder.fuse(prompt[0, place], region(seed).vector[0]))
    assert torch.equal(fused[:, [0, 2, 3, 5, 6]], prompt[:, [0, 2, 3, 5, 6]])


def test_strength_leads_along_the_line_through_both_rows(facial_encoder, prompt):
    zero, half, one, two = (
        fuse_regions(facial_encoder, prompt, [3], [region(1, strength)]) for strength in (0.0, 0.5, 1.0, 2.0)
    )
    assert torch.equal(zero, prompt)
    torch.testing.assert_close(half, (zero + one) / 2)
    torch.testing.assert_close(two, 2 * one - zero)


def test_half_precision_text_stays_so_and_is_fused_in_full(facial_encoder, prompt):
    fused = fuse_regions(facial_encoder, prompt.half(), [3], [region(1)])
    assert fused.dtype == torch.float16
    torch.testing.assert_close(fused, fuse_regions(facial_encoder, prompt.half().float(), [3], [region(1)]).half())


def test_nowhere_changes_nothing(facial_encoder, prompt):
    assert fuse_regions(facial_encoder, prompt, [], []) is prompt
