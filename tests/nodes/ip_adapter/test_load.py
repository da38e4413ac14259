"""Load IP-Adapter: lists of files, and what reaches the loader."""

from __future__ import annotations

import inspect

import pytest
import torch
from likeness.models.errors import InvalidSettingError, MissingModelFileError
from likeness.models.ip_adapter.kinds import VERSIONS

pytestmark = pytest.mark.comfy


@pytest.fixture
def node(folders):
    from likeness.nodes.ip_adapter.load import LoadIPAdapter

    return LoadIPAdapter


@pytest.fixture
def files(put, tmp_path, ip_adapter_weights):
    """Two adapters in the folder: `b faceid.bin` and `c plus.bin`; `a` is something else."""
    for name, network in (("b faceid.bin", "faceid plus"), ("c plus.bin", "plus")):
        torch.save(ip_adapter_weights(network), tmp_path / name)
        put(tmp_path / name, f"ipadapter/{name}")
    torch.save({"else": torch.zeros(1)}, tmp_path / "a.bin")
    put(tmp_path / "a.bin", "ipadapter/a.bin")


def test_lists_begin_with_auto_and_name_the_files_of_their_folder(node, files):
    options = {each.id: list(each.options) for each in node.define_schema().inputs if hasattr(each, "options")}
    assert options == {
        "ip_adapter": ["auto", "a.bin", "b faceid.bin", "c plus.bin"],
        "version": ["auto", *VERSIONS],
        "lora": ["none"],
        "recogniser": ["auto"],
        "clip_vision_file": ["auto"],
    }


def test_it_runs_as_it_is_put_on_the_canvas_and_takes_the_first_that_is_one(node, files, execute):
    [loaded] = execute(node).result
    assert loaded.adapter.recognised.version == "FaceID Plus"
    assert (loaded.encoders.clip, loaded.encoders.recogniser) == (None, None)


def test_widgets_reach_the_loader(node, files, execute):
    assert execute(node, ip_adapter="c plus.bin").result[0].adapter.recognised.version == "Plus"
    v2 = execute(node, ip_adapter="b faceid.bin", version="FaceID PlusV2").result[0]
    assert v2.adapter.is_v2
    with pytest.raises(InvalidSettingError, match='is no "Plus"'):
        execute(node, ip_adapter="b faceid.bin", version="Plus")
    for widget, file in (("ip_adapter", "gone.bin"), ("lora", "gone.safetensors"), ("clip_vision_file", "gone.bin")):
        with pytest.raises(MissingModelFileError, match=rf'"{file}" was not found'):
            execute(node, **{widget: file})


def test_without_files_the_folder_is_named(node, execute, folders):
    with pytest.raises(MissingModelFileError, match=str(folders / "ipadapter")):
        execute(node)


def test_what_is_rarely_touched_is_folded(node):
    from comfy_api.latest import io

    folded = [each.id for each in node.define_schema().inputs if getattr(each, "advanced", None)]
    rare = ["version", "lora", "recogniser", "clip_vision_file"]
    assert folded == (rare if "advanced" in inspect.signature(io.Combo.Input).parameters else [])
