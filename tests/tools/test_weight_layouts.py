"""Counts against the published files: values and tensors as specified for UniPortrait, sizes as listed for the rest."""

import math

import pytest
from likeness.tools import weight_layouts as layouts


def count(layout: layouts.Layout) -> int:
    return sum(math.prod(shape) for shape in layout.values())


@pytest.mark.parametrize(
    ("layout", "tensors", "values"),
    [
        (layouts.uniportrait_projection(), 121, 67_216_512),
        (layouts.uniportrait_adapter(router=False), 288, 25_509_888 + 19_169_280),
        (layouts.uniportrait_adapter(router=True), 384, 25_509_888 + 87_655_056),
        (layouts.unet(), 686, 859_520_964),
        (layouts.vae(), 248, 83_653_863),
        (layouts.clip_text(), 196, 123_060_480),
        (layouts.clip_vision(), 520, 632_076_800),
        (layouts.control_net(), 340, 361_279_120),
    ],
)
def test_tensors_and_values(layout, tensors, values):
    assert (len(layout), count(layout)) == (tensors, values)


def test_the_face_network_has_the_published_size():
    layout = layouts.iresnet()
    assert len(layout) == 917
    assert round(count(layout) * 4 / 1e6, 2) == 260.88  # MB in float32


def test_the_checkpoint_keeps_its_parts_apart():
    starts = {key.split(".")[0] for key in layouts.stable_diffusion()}
    assert starts == {"model", "first_stage_model", "cond_stage_model"}


def test_prefixes_do_not_swallow_keys():
    assert len(layouts.stable_diffusion()) == 686 + 248 + 196
