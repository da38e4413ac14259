"""From a style picture to its embedding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.models.clip import CLIP_MEAN, CLIP_STD, clip_pixels
from likeness.models.errors import BadImageError, InvalidSettingError
from likeness.models.facestudio.style import Space, Style
from likeness.models.facestudio.style_encoding import (
    StyleEncoder,
    colours_of,
    encode_style,
    seen_images,
    style_pixels,
    style_preview,
    style_square,
)
from likeness.models.ip_adapter.pictures import picture_pixels
from torch import Tensor

BARS = [round(255 * mean) for mean in CLIP_MEAN]
SPACE = Space("drawn", 6)


class Means:
    """Means and spreads of the colours that it is given, which it counts."""

    def __init__(self, width: int = 6) -> None:
        self.width, self.key = width, "means"
        self.seen: list[Tensor] = []

    def embeddings(self, pixels: Tensor) -> Tensor:
        self.seen.append(pixels)
        return torch.cat([pixels.mean((2, 3)), pixels.std((2, 3))], dim=1)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(224, 224), (97, 131 - 2), (300, 400), (400, 300), (7, 8)])
def test_pictures_up_to_four_to_three_are_seen_as_their_middle_square(size: tuple[int, int]) -> None:
    given = picture(*size)
    found = style_pixels(style_square(given))
    torch.testing.assert_close(found, clip_pixels(given), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("size", "bars"), [((300, 401), "rows"), ((401, 300), "columns"), ((5, 600), "rows")])
def test_longer_pictures_are_seen_whole_between_bars(size: tuple[int, int], bars: str) -> None:
    found = style_square(picture(*size))
    assert (found[0] == BARS).all() == (bars == "rows")
    assert (found[:, 0] == BARS).all() == (bars == "columns")
    torch.testing.assert_close(style_pixels(found), picture_pixels(picture(*size), "pad"), atol=1e-6, rtol=0)


def test_bars_have_the_mean_colour_of_the_encoder() -> None:
    assert (style_square(picture(10, 100), (0.5, 0.5, 0.5))[0] == 128).all()


def test_pixels_are_normalised_by_the_encoders_own_colours() -> None:
    square = style_square(picture(224, 224))
    half = (0.5, 0.5, 0.5)
    expected = torch.from_numpy(square).permute(2, 0, 1).float() / 255 * 2 - 1
    torch.testing.assert_close(style_pixels(square, half, half), expected)
    means = Means()
    encode_style([square], ["shown."], StyleEncoder(means, half, half), SPACE)
    torch.testing.assert_close(means.seen[0][0], expected)


def test_an_embedder_without_colours_of_its_own_has_those_of_openais_clip() -> None:
    assert colours_of(Means()) == (CLIP_MEAN, CLIP_STD)
    encoder = StyleEncoder(Means(), (0.1, 0.2, 0.3), (1.0, 2.0, 3.0))
    assert colours_of(encoder) == ((0.1, 0.2, 0.3), (1.0, 2.0, 3.0))
    assert (encoder.key, encoder.width) == ("means", 6)


def test_a_style_is_the_embedding_with_what_was_seen_and_said() -> None:
    given = picture(224, 224)
    style = encode_style([given], ["1 face hidden (1 by box)."], Means(), SPACE)
    torch.testing.assert_close(style.embedding, Means().embeddings(clip_pixels(given)[None]), atol=1e-6, rtol=1e-6)
    assert (style.space, style.source, style.note) == (SPACE, "picture", "1 face hidden (1 by box).")
    np.testing.assert_array_equal(style.seen, given)


def test_several_pictures_give_the_mean_of_their_embeddings_which_is_said() -> None:
    pictures = [picture(224, 224, seed) for seed in range(3)]
    style = encode_style(pictures, ["a.", "b.", "c."], Means(), SPACE)
    each = [encode_style([one], ["a."], Means(), SPACE).embedding for one in pictures]
    torch.testing.assert_close(style.embedding, torch.cat(each).mean(0, keepdim=True))
    assert style.note == "Mean of 3 pictures. 1: a. 2: b. 3: c."
    shown = (seen_images(style) * 255).round().to(torch.uint8).numpy()
    np.testing.assert_array_equal(shown, np.stack(pictures))


@pytest.mark.parametrize(("count", "height"), [(1, 512), (2, 256), (5, 256)])
def test_the_preview_shows_the_pictures_above_the_note(count: int, height: int) -> None:
    pictures = [np.full((224, 224, 3), 200, np.uint8)] * count
    preview = style_preview(encode_style(pictures, ["hidden."] * count, Means(), SPACE))
    assert preview.shape[0] == 1
    assert preview.shape[2] == 512
    assert preview.shape[1] > height
    assert torch.allclose(preview[0, 0], torch.tensor(200 / 255))
    assert preview[0, height:].amax() > 0.9  # the letters


def test_bad_input_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match="no style picture"):
        encode_style([], [], Means(), SPACE)
    with pytest.raises(InvalidSettingError, match=r"7 wide.*space of drawn \(6\)"):
        encode_style([picture(8, 8)], ["a."], Means(7), SPACE)
    with pytest.raises(BadImageError, match="8-bit RGB"):
        style_square(np.zeros((4, 4), np.uint8))
    text = Style(embedding=torch.zeros(1, 6), space=SPACE, source="text")
    for show in (seen_images, style_preview):
        with pytest.raises(InvalidSettingError, match="shows no picture"):
            show(text)
