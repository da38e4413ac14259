"""Whole checkpoints: the sizes of their parts, each under its own prefix."""

import pytest
from likeness.tests.tools.weights.layouts.counting import count
from likeness.tools.weights import layouts


@pytest.mark.parametrize(
    ("layout", "tensors", "values"),
    [
        (layouts.vae(), 248, 83_653_863),
        (layouts.clip_text(), 196, 123_060_480),
        (layouts.openclip_text(), 390, 694_659_841),
    ],
)
def test_tensors_and_values(layout, tensors, values):
    assert (len(layout), count(layout)) == (tensors, values)


def test_the_checkpoint_keeps_its_parts_apart():
    starts = {key.split(".")[0] for key in layouts.stable_diffusion()}
    assert starts == {"model", "first_stage_model", "cond_stage_model"}


def test_prefixes_do_not_swallow_keys():
    assert len(layouts.stable_diffusion()) == 686 + 248 + 196
    assert len(layouts.sdxl()) == 1680 + 248 + 196 + 390


def test_a_narrow_unet_changes_no_other_part():
    narrow, full = layouts.sdxl(layouts.NARROW_SDXL), layouts.sdxl()
    others = [key for key in full if not key.startswith("model.diffusion_model.")]
    assert {key: narrow[key] for key in others} == {key: full[key] for key in others}
