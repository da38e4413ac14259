"""Sizes of the base model: which fit the layout, and how a file says them."""

from __future__ import annotations

import pytest
from likeness.models.errors import InvalidSettingError, UnknownCheckpointError
from likeness.models.miniature.sizes import BaseSizes


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"unet": (32, 48)}, "48 channels"),
        ({"unet": (64, 96)}, "96 channels"),
        ({"unet": (32, 64), "head": 48}, "the head's 48"),
        ({"text": 66}, "66 wide"),
    ],
)
def test_widths_that_do_not_fit_the_layout_are_refused(wrong, said):
    with pytest.raises(InvalidSettingError, match=said):
        BaseSizes(**wrong)


def test_a_file_says_the_sizes_that_it_was_made_with():
    sizes = BaseSizes(unet=(32, 64), blocks=2, vae=(32, 48), latent_channels=4, text=24, text_layers=1, text_heads=2)
    metadata = sizes.metadata()
    assert all(isinstance(value, str) for value in metadata.values())
    assert BaseSizes.from_metadata({"seed": "3", **metadata}, "it") == sizes


@pytest.mark.parametrize(
    "said", [{}, {"sizes": "no JSON"}, {"sizes": "{}"}, {"sizes": '{"unet": 5, "vae": [1, 2]}'}, {"sizes": "[]"}]
)
def test_a_file_that_does_not_say_them_is_refused_by_name(said):
    with pytest.raises(UnknownCheckpointError, match=r'^it\.safetensors does not say .* \("sizes": unet, blocks, head'):
        BaseSizes.from_metadata(said, "it.safetensors")
