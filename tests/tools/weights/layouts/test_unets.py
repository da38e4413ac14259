"""Counts and digests of the published files: values and tensors as specified for the adapters, sizes as listed for the rest."""

import hashlib
import math

import pytest
import torch
from likeness.models.omniportrait.checkpoint import adapter_weights
from likeness.models.omniportrait.image_encoder import VIT_L_14, ImageEncoderConfig, PivotImageEncoder
from likeness.models.omniportrait.pivot_id_encoder import PivotIDEncoder
from likeness.tools.weights import layouts

CONSISTENTID = {shape: layouts.consistentid(shape) for shape in (layouts.SD15, layouts.SDXL)}
SD15, SDXL = CONSISTENTID.values()


def count(layout: layouts.Layout) -> int:
    return sum(math.prod(shape) for shape in layout.values())


def digest(layout: layouts.Layout) -> str:
    """Every key with its shape, one to a line: `key AxBxC`."""
    lines = (f"{key} {'x'.join(map(str, shape))}" for key, shape in sorted(layout.items()))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("layout", "tensors", "values"),
    [
        (layouts.uniportrait_projection(), 121, 67_216_512),
        (layouts.uniportrait_adapter(router=False), 288, 25_509_888 + 19_169_280),
        (layouts.uniportrait_adapter(router=True), 384, 25_509_888 + 87_655_056),
        (layouts.unet(layouts.SD15), 686, 859_520_964),
        (layouts.unet(layouts.SDXL), 1680, 2_567_463_684),
        (layouts.vae(), 248, 83_653_863),
        (layouts.clip_text(), 196, 123_060_480),
        (layouts.openclip_text(), 390, 694_659_841),
        (layouts.clip_vision(), 520, 632_076_800),
        (layouts.openclip_vision(), 296, 303_966_208),
        (layouts.omniportrait(768), 298, 303_966_208 + 1_180_416),
        (layouts.omniportrait(2048), 298, 303_966_208 + 5_769_216),
        (layouts.dino(), 150, 21_665_664),
        (layouts.control_net(), 340, 361_279_120),
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
        (layouts.face_parsing(), 191, 13_313_119, "ebe944c2005e8860"),
    ],
)
def test_every_key_and_shape_is_the_published_one(layout, tensors, values, expected):
    """The digests were taken from the lists of keys of the published ConsistentID files and of BiSeNet."""
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


def test_transformers_come_in_the_reference_order():
    assert layouts.SD15.transformer_widths == (*[320] * 2, *[640] * 2, *[1280] * 5, *[640] * 3, *[320] * 3, 1280)
    assert layouts.SDXL.transformer_widths == (*[640] * 4, *[1280] * 50, *[640] * 6, *[1280] * 10)
    assert len(layouts.NARROW_SDXL.transformer_widths) == 70


def test_the_narrow_unet_differs_from_the_published_one_in_width_alone():
    """Where widths match across a residual block there is no skip convolution, as in every UNet of this family."""
    narrow, published = layouts.unet(layouts.NARROW_SDXL), layouts.unet(layouts.SDXL)
    assert {key for key in published if key not in narrow and "skip_connection" not in key} == set()
    assert set(narrow) <= set(published)


def test_the_face_network_has_the_published_size():
    layout = layouts.iresnet()
    assert len(layout) == 917
    assert round(count(layout) * 4 / 1e6, 2) == 260.88  # MB in float32


def test_the_checkpoint_keeps_its_parts_apart():
    starts = {key.split(".")[0] for key in layouts.stable_diffusion()}
    assert starts == {"model", "first_stage_model", "cond_stage_model"}


def test_prefixes_do_not_swallow_keys():
    assert len(layouts.stable_diffusion()) == 686 + 248 + 196
    assert len(layouts.sdxl()) == 1680 + 248 + 196 + 390
