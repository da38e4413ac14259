"""Load UniPortrait: lists of files, and what reaches the loader."""

from __future__ import annotations

import inspect

import pytest
from likeness.models.errors import MissingModelFileError
from likeness.tests.host.conftest import CLIP_WIDTH

pytestmark = pytest.mark.comfy


@pytest.fixture
def node(folders):
    from likeness.nodes.uniportrait.load import LoadUniPortrait

    return LoadUniPortrait


@pytest.fixture
def files(put, uniportrait_files):
    for kind in ("faceid", "router", "backbone"):
        put(uniportrait_files / f"{kind}.bin", f"uniportrait/{kind}.bin")
    put(uniportrait_files / "ip-adapter.bin", "ipadapter/any.bin")


def test_lists_begin_with_auto_and_name_the_files_of_their_folder(node, files):
    options = {each.id: list(each.options) for each in node.define_schema().inputs if hasattr(each, "options")}
    names = ["backbone.bin", "faceid.bin", "router.bin"]
    assert options == {
        "faceid": ["auto", *names],
        "router": ["auto", "none", *names],
        "backbone": ["auto", *names],
        "clip_vision_file": ["auto"],
        "image_prompt": ["none", "any.bin"],
    }


def test_it_runs_as_it_is_put_on_the_canvas(node, files, execute):
    [loaded] = execute(node).result
    assert loaded.adapter.multi_lora is not None
    assert loaded.adapter.image_prompt is None
    assert loaded.clip is None


def test_widgets_and_socket_reach_the_loader(node, files, execute, vision_model):
    vision = vision_model(
        hidden_size=CLIP_WIDTH, intermediate_size=16, num_attention_heads=1, num_hidden_layers=2, patch_size=56
    )
    [loaded] = execute(node, router="none", image_prompt="any.bin", clip_vision=vision).result
    assert loaded.adapter.multi_lora is None
    assert loaded.adapter.image_prompt is not None
    assert loaded.clip.encoder.clip_vision is vision
    with pytest.raises(MissingModelFileError, match=r'"gone\.bin" was not found'):
        execute(node, faceid="gone.bin")


def test_without_files_the_folder_is_named(node, execute, folders):
    with pytest.raises(MissingModelFileError, match=str(folders / "uniportrait")):
        execute(node)


def test_only_the_image_prompt_is_rarely_touched(node):
    from comfy_api.latest import io

    folded = [each.id for each in node.define_schema().inputs if getattr(each, "advanced", None)]
    assert folded == (["image_prompt"] if "advanced" in inspect.signature(io.Combo.Input).parameters else [])
