"""Networks that look at pictures: sizes and keys as published, and smaller ones by the same rule."""

import json
from pathlib import Path

import pytest
import torch
from likeness.models.clip.towers import PUBLISHED, new_tower
from likeness.tests.tools.weights.layouts.counting import count, digest
from likeness.tools.weights import layouts
from likeness.tools.weights.layouts.image_networks import iresnet


@pytest.mark.parametrize(
    ("layout", "tensors", "values"),
    [
        (layouts.clip_vision(), 520, 632_076_800),
        (layouts.clip_vision_bigg(), 776, 1_844_907_264),
        (layouts.openclip_vision(), 296, 303_966_208),
        (layouts.dino(), 150, 21_665_664),
    ],
)
def test_tensors_and_values(layout, tensors, values):
    assert (len(layout), count(layout)) == (tensors, values)


def test_every_key_and_shape_of_the_parser_is_the_published_one():
    """The digest was taken from the list of keys of BiSeNet."""
    layout = layouts.face_parsing()
    assert (len(layout), count(layout), digest(layout)) == (191, 13_313_119, "ebe944c2005e8860")


def test_the_face_network_has_the_published_size():
    layout = layouts.iresnet()
    assert len(layout) == 917
    assert round(count(layout) * 4 / 1e6, 2) == 260.88  # MB in float32


def test_a_block_has_a_shortcut_only_where_the_width_changes():
    layout = iresnet(((2, 8), (2, 16)))
    shortcuts = {key.split(".")[1] for key in layout if "shortcut_layer" in key}
    assert shortcuts == {"2"}
    assert layout["output_layer.3.weight"] == (512, 49 * 16)


def test_fewer_layers_take_off_the_last_ones():
    full, short = layouts.clip_vision(), layouts.clip_vision(layers=2)
    assert set(short) < set(full)
    assert {key.split(".")[3] for key in short if ".layers." in key} == {"0", "1"}


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("ViT-L-14", layouts.openclip_vision()),
        ("RN101", layouts.openclip_resnet()),
        ("ViT-B-32", layouts.openclip_vision(layers=12, width=768, outputs=512, patch=32)),
    ],
)
def test_the_layouts_of_openais_towers_are_what_the_networks_have(name, layout):
    with torch.device("meta"):
        tower = new_tower(PUBLISHED[name], "quick_gelu")
    assert layout == {key: tuple(tensor.shape) for key, tensor in tower.state_dict().items()}


def test_openais_vit_l_has_its_published_size_in_transformers_layout():
    layout = layouts.clip_vision(layers=24, width=1024, outputs=768)
    assert (len(layout), count(layout)) == (392, 303_966_208)


@pytest.mark.comfy
@pytest.mark.parametrize(("name", "layout"), [("h", layouts.clip_vision()), ("g", layouts.clip_vision_bigg())])
def test_the_layouts_of_comfyuis_own_networks_are_what_it_builds(name, layout):
    import comfy.clip_vision
    import comfy.ops
    from comfy.clip_model import CLIPVisionModelProjection

    folder = Path(comfy.clip_vision.__file__).parent
    config = json.loads((folder / f"clip_vision_config_{name}.json").read_text("utf-8"))
    model = CLIPVisionModelProjection(config, torch.float16, "meta", comfy.ops.disable_weight_init)
    assert {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()} == layout
