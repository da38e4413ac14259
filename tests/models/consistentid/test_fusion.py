import pytest
import torch
from likeness.models.consistentid.facial_encoder import FacialEncoder
from likeness.models.consistentid.facial_regions import FacialRegion
from likeness.models.consistentid.fusion import fuse_regions
from likeness.tests.models.consistentid.conftest import HEAD, WIDTH


@pytest.fixture
def facial_encoder(encoder_weights):
    return FacialEncoder.from_state_dict(encoder_weights, dim_head=HEAD)


@pytest.fixture
def text():
    return torch.randn(1, 7, WIDTH, generator=torch.Generator().manual_seed(0))


def region(seed, strength=1.0):
    vector = torch.randn(1, WIDTH, generator=torch.Generator().manual_seed(seed))
    return FacialRegion(name="Nose", vector=vector, strength=strength)


def test_every_place_takes_its_own_region(facial_encoder, text):
    fused = fuse_regions(facial_encoder, text, [4, 1], [region(1), region(2)])
    for place, seed in ((4, 1), (1, 2)):
        torch.testing.assert_close(fused[0, place], facial_encoder.fuse(text[0, place], region(seed).vector[0]))
    assert torch.equal(fused[:, [0, 2, 3, 5, 6]], text[:, [0, 2, 3, 5, 6]])


def test_strength_leads_along_the_line_through_both_rows(facial_encoder, text):
    zero, half, one, two = (
        fuse_regions(facial_encoder, text, [3], [region(1, strength)]) for strength in (0.0, 0.5, 1.0, 2.0)
    )
    assert torch.equal(zero, text)
    torch.testing.assert_close(half, (zero + one) / 2)
    torch.testing.assert_close(two, 2 * one - zero)


def test_half_precision_text_stays_so_and_is_fused_in_full(facial_encoder, text):
    fused = fuse_regions(facial_encoder, text.half(), [3], [region(1)])
    assert fused.dtype == torch.float16
    torch.testing.assert_close(fused, fuse_regions(facial_encoder, text.half().float(), [3], [region(1)]).half())


def test_nowhere_changes_nothing(facial_encoder, text):
    assert fuse_regions(facial_encoder, text, [], []) is text
