"""UNets: tensors and values as published, and the order in which their transformers come."""

import pytest
from likeness.tests.tools.weights.layouts.counting import count
from likeness.tools.weights import layouts


@pytest.mark.parametrize(
    ("layout", "tensors", "values"),
    [
        (layouts.unet(layouts.SD15), 686, 859_520_964),
        (layouts.unet(layouts.SDXL), 1680, 2_567_463_684),
        (layouts.control_net(), 340, 361_279_120),
    ],
)
def test_tensors_and_values(layout, tensors, values):
    assert (len(layout), count(layout)) == (tensors, values)


def test_transformers_come_in_the_reference_order():
    assert layouts.SD15.transformer_widths == (*[320] * 2, *[640] * 2, *[1280] * 5, *[640] * 3, *[320] * 3, 1280)
    assert layouts.SDXL.transformer_widths == (*[640] * 4, *[1280] * 50, *[640] * 6, *[1280] * 10)
    assert len(layouts.NARROW_SDXL.transformer_widths) == 70


def test_the_narrow_unet_differs_from_the_published_one_in_width_alone():
    """Where widths match across a residual block there is no skip convolution, as in every UNet of this family."""
    narrow, published = layouts.unet(layouts.NARROW_SDXL), layouts.unet(layouts.SDXL)
    assert {key for key in published if key not in narrow and "skip_connection" not in key} == set()
    assert set(narrow) <= set(published)
