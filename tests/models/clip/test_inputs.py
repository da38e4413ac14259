import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from likeness.models.clip import CLIP_MEAN, CLIP_STD, EOS, clip_pixels, clip_statistics, inputs, text_ids
from likeness.models.errors import BadImageError, MissingPackageError


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_a_picture_of_the_right_size_is_only_normalised():
    image = picture(224, 224)
    pixels = clip_pixels(image)
    back = pixels * torch.tensor(CLIP_STD).view(3, 1, 1) + torch.tensor(CLIP_MEAN).view(3, 1, 1)
    np.testing.assert_allclose(back.numpy() * 255, image.transpose(2, 0, 1), atol=1e-3)


@pytest.mark.parametrize(("height", "width"), [(300, 200), (200, 300), (224, 225), (51, 640), (1, 1)])
def test_the_same_as_transformers(height, width):
    transformers = pytest.importorskip("transformers")
    image = picture(height, width)
    processor = (
        transformers.CLIPImageProcessorPil
        if hasattr(transformers, "CLIPImageProcessorPil")
        else transformers.CLIPImageProcessor
    )
    expected = processor()(image, return_tensors="pt", input_data_format="channels_last").pixel_values[0]
    torch.testing.assert_close(clip_pixels(image), expected, atol=1e-5, rtol=0)


@given(st.integers(1, 60), st.integers(1, 60))
@settings(max_examples=20, deadline=None)
def test_every_size_gives_the_middle_square(height, width):
    image = np.full((height, width, 3), 77, np.uint8)
    pixels = clip_pixels(image)
    mean, std = clip_statistics()
    assert pixels.shape == (3, 224, 224)
    torch.testing.assert_close(pixels, ((77 / 255 - mean) / std).expand_as(pixels))


@pytest.mark.parametrize(
    "image", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3), np.float32)]
)
def test_pictures_of_another_kind_are_refused(image):
    with pytest.raises(BadImageError, match="8-bit RGB"):
        clip_pixels(image)


def test_known_ids():
    assert text_ids("A man, in a forest, adventuring") == [320, 786, 267, 530, 320, 4167, 267, 3071, 1351]
    assert text_ids("") == []


def test_case_and_space_do_not_matter():
    assert text_ids(" Two\n\tEYES ") == text_ids("two eyes")


def test_a_composed_letter_equals_its_parts():
    assert text_ids("e\u0301") == text_ids("\u00e9")


def test_html_and_broken_encodings_stay_as_they_are():
    assert text_ids("&amp;") != text_ids("&")
    assert text_ids("Ã©") != text_ids("é")


@pytest.mark.parametrize("text", ["😀 👃", "\ud800", "名前", "<|endoftext|>", "\x00"])
def test_any_text_has_ids(text):
    assert all(0 <= number <= EOS for number in text_ids(text))


def test_a_missing_package_is_named(monkeypatch):
    inputs._tokenizer.cache_clear()
    monkeypatch.setitem(sys.modules, "open_clip.tokenizer", None)

    with pytest.raises(MissingPackageError, match="open_clip_torch"):
        text_ids("a")
