"""Adapters' files: tensors, values and digests as the published files have them."""

import pytest
import torch
from likeness.models.omniportrait.checkpoint import adapter_weights
from likeness.models.omniportrait.image_encoder import VIT_L_14, ImageEncoderConfig, PivotImageEncoder
from likeness.models.omniportrait.pivot_id_encoder import PivotIDEncoder
from likeness.tests.tools.weights.layouts.counting import count, digest
from likeness.tools.weights import layouts

CONSISTENTID = {shape: layouts.consistentid(shape) for shape in (layouts.SD15, layouts.SDXL)}
SD15, SDXL = CONSISTENTID.values()


@pytest.mark.parametrize(
    ("layout", "tensors", "values"),
    [
        (layouts.uniportrait_projection(), 121, 67_216_512),
        (layouts.uniportrait_adapter(router=False), 288, 25_509_888 + 19_169_280),
        (layouts.uniportrait_adapter(router=True), 384, 25_509_888 + 87_655_056),
        (layouts.omniportrait(768), 298, 303_966_208 + 1_180_416),
        (layouts.omniportrait(2048), 298, 303_966_208 + 5_769_216),
    ],
)
def test_tensors_and_values(layout, tensors, values):
    assert (len(layout), count(layout)) == (tensors, values)


@pytest.mark.parametrize(
    ("layout", "tensors", "values", "expected"),
    [
        (SD15["FacialEncoder"], 109, 105_772_288, "744035253b2df085"),
        (SD15["image_proj"], 56, 33_581_568, "30caa5b443442471"),
        (SD15["adapter_modules"], 288, 44_679_168, "8f9d6fe066fc54ac"),
        (SDXL["FacialEncoder"], 109, 125_124_608, "f7ab07a3d8f03879"),
        (SDXL["image_proj_model"], 56, 217_125_888, "19a7da663f5965e9"),
        (SDXL["adapter_modules"], 1260, 526_581_760, "114ec35dc9bdb8d6"),
    ],
)
def test_every_key_and_shape_is_the_published_one(layout, tensors, values, expected):
    """The digests were taken from the lists of keys of the published ConsistentID files."""
    assert (len(layout), count(layout)) == (tensors, values)
    assert digest(layout) == expected


def test_the_layout_of_an_omniportrait_file_is_what_the_networks_have():
    config = ImageEncoderConfig(**VIT_L_14, activation="gelu", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    with torch.device("meta"):
        parts = adapter_weights(PivotIDEncoder(768, 2048), PivotImageEncoder(config))
    shapes = {
        f"{part}.{key}": tuple(tensor.shape) for part, tensors in parts.items() for key, tensor in tensors.items()
    }
    assert layouts.omniportrait(2048) == shapes


def test_the_narrow_file_has_the_keys_of_the_published_one():
    narrow = layouts.consistentid(layouts.NARROW_SDXL)
    assert {part: list(keys) for part, keys in narrow.items()} == {part: list(keys) for part, keys in SDXL.items()}
    widths = {shape[0] for key, shape in narrow["adapter_modules"].items() if key.endswith("to_k_ip.weight")}
    assert widths == {320}
    assert narrow["FacialEncoder"] == SDXL["FacialEncoder"]


def test_the_image_prompt_adapter_numbers_its_layers_as_the_public_one():
    layout = layouts.ip_adapter()
    numbers = [int(key.split(".")[1]) for key in layout if key.endswith("to_k_ip.weight")]
    assert numbers == list(range(1, 32, 2))  # cross-attention layers only, of 32
    assert layout["image_proj.proj.weight"] == (4 * 768, 1024)
