"""Adapters' files: tensors, values and digests as the published files have them."""

import pytest
import torch
from likeness.models.facestudio.checkpoint import load as load_facestudio
from likeness.models.facestudio.checkpoint import weights_of
from likeness.models.facestudio.description import WIDTHS, Description
from likeness.models.ip_adapter.checkpoint import load as load_ip_adapter
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


def empty(layout):
    """Tensors without values."""
    return {key: torch.empty(shape, device="meta") for key, shape in layout.items()}


@pytest.mark.parametrize(
    ("layout", "width", "sites", "seen"),
    [
        (layouts.ip_adapter(), 768, 16, 1024),
        (layouts.ip_adapter(layouts.SD15, layouts.BIGG), 768, 16, 1280),
        (layouts.ip_adapter(layouts.SDXL, layouts.BIGG), 2048, 70, 1280),
        (layouts.ip_adapter(layouts.NARROW_SDXL, layouts.BIGG), 2048, 70, 1280),
    ],
)
def test_a_plain_ip_adapter_loads_without_values_and_reads_one_embedding(layout, width, sites, seen):
    adapter = load_ip_adapter(empty(layout))
    assert adapter.recognised.version == "plain"
    assert adapter.reads_pooled
    assert (adapter.context_dim, len(adapter.widths), adapter.image_width) == (width, sites, seen)
    assert count(layout) == sum(
        tensor.numel() for part in (adapter.projection, adapter.attention) for tensor in part.state_dict().values()
    )


@pytest.mark.parametrize(("shape", "sites"), [(layouts.SD15, 16), (layouts.SDXL, 70), (layouts.NARROW_SDXL, 70)])
@pytest.mark.parametrize("encoder", ["vitl", "paper3"])
def test_facestudio_s_file_loads_without_values_and_has_no_key_beyond(shape, sites, encoder):
    layout = layouts.facestudio(shape, WIDTHS[encoder])
    adapter = load_facestudio(empty(layout), description=Description(encoder=encoder))
    assert (adapter.context_dim, adapter.space.width) == (shape.context, WIDTHS[encoder])
    assert sorted(adapter.widths) == [2 * block + 1 for block in range(sites)]
    assert sorted(adapter.lora) == list(range(2 * sites))
    assert (adapter.pooled is not None) == (shape is not layouts.SD15)
    held = {
        f"{part}.{key}": tuple(tensor.shape)
        for part, tensors in weights_of(adapter).items()
        for key, tensor in tensors.items()
    }
    assert held == layout


def test_keys_and_values_that_are_replaced_have_no_lora_beside_them():
    layout = layouts.facestudio(layouts.SD15)
    assert not [key for key in layout if key.startswith("lora.1.to_k") or key.startswith("lora.1.to_v")]
    assert {"lora.0.to_k_lora.down.weight", "lora.1.to_q_lora.down.weight"} < layout.keys()
