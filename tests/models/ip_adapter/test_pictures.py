import numpy as np
import pytest
import torch
from likeness.models.clip import clip_pixels, clip_statistics
from likeness.models.errors import BadImageError, InvalidSettingError
from likeness.models.ip_adapter.kinds import NEEDS, Kind
from likeness.models.ip_adapter.pictures import negative_pixels, picture_pixels

TOKENS = [kind for kind, needs in NEEDS.items() if needs.clip == "tokens"]
LOOKS_AT_NOTHING = [kind for kind, needs in NEEDS.items() if needs.clip is None]


@pytest.fixture
def picture():
    """Three times as wide as high: dark at the left, grey in the middle, bright at the right."""
    image = np.zeros((60, 180, 3), np.uint8)
    image[:, 60:120], image[:, 120:] = 128, 255
    return image


def levels(pixels):
    """Back to grey levels, (224, 224, 3)."""
    mean, deviation = clip_statistics()
    return (255 * (pixels * deviation + mean)).round().permute(1, 2, 0)


def test_the_centre_alone_is_seen(picture):
    seen = picture_pixels(picture, "centre")
    assert torch.equal(seen, clip_pixels(picture))
    assert torch.equal(seen, picture_pixels(picture))
    assert levels(seen)[112, 10:214].unique().tolist() == [128]


def test_stretching_shows_everything(picture):
    row = levels(picture_pixels(picture, "stretch"))[112, :, 0]
    assert [row[place].item() for place in (20, 112, 204)] == [0, 128, 255]
    assert (row == 128).sum().item() == pytest.approx(224 / 3, abs=4)


@pytest.mark.parametrize("upright", [False, True])
def test_padding_shows_everything_between_bars_of_the_mean_colour(picture, upright):
    image = np.ascontiguousarray(picture.transpose(1, 0, 2)) if upright else picture
    seen = picture_pixels(image, "pad")
    pixels = levels(seen)
    if upright:
        pixels, seen = pixels.transpose(0, 1), seen.transpose(1, 2)
    assert [pixels[112, place, 0].item() for place in (20, 112, 204)] == [0, 128, 255]
    bars = torch.cat([seen[:, :74], seen[:, 150:]], dim=1)
    assert bars.abs().max() < 0.01
    assert seen[:, 80:140].abs().max() > 1


def test_square_pictures_are_seen_alike_by_all():
    image = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    seen = [picture_pixels(image, crop) for crop in ("centre", "pad", "stretch")]
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[2])


@pytest.mark.parametrize("crop", ["centre", "pad", "stretch"])
def test_a_very_narrow_picture_still_has_a_column(crop):
    assert picture_pixels(np.full((300, 1, 3), 200, np.uint8), crop).shape == (3, 224, 224)


@pytest.mark.parametrize("crop", ["centre", "pad", "stretch"])
def test_other_arrays_are_refused(crop):
    with pytest.raises(BadImageError):
        picture_pixels(np.zeros((4, 4, 3), np.float32), crop)


@pytest.mark.parametrize("kind", TOKENS)
def test_the_negative_side_of_tokens(kind, picture):
    assert torch.equal(negative_pixels(kind, "reference"), torch.zeros(3, 224, 224))
    assert levels(negative_pixels(kind, "black")).unique().tolist() == [0]
    assert torch.equal(negative_pixels(kind, "picture", picture, "pad"), picture_pixels(picture, "pad"))


def test_the_negative_side_of_a_plain_adapter_is_a_zero_embedding(picture):
    assert negative_pixels(Kind.GLOBAL, "reference") is None
    assert negative_pixels(Kind.GLOBAL, "black") is None
    assert torch.equal(negative_pixels(Kind.GLOBAL, "picture", picture), picture_pixels(picture))


@pytest.mark.parametrize("kind", LOOKS_AT_NOTHING)
def test_an_adapter_of_face_vectors_looks_at_no_negative_picture(kind, picture):
    assert negative_pixels(kind, "reference") is None
    assert negative_pixels(kind, "black") is None
    with pytest.raises(InvalidSettingError, match="face vectors alone"):
        negative_pixels(kind, "picture", picture)


def test_a_missing_negative_picture_is_refused():
    with pytest.raises(InvalidSettingError, match="none is connected"):
        negative_pixels(Kind.PLUS, "picture")
