"""Load FaceStudio and FaceStudio from IP-Adapters: lists of files, and what reaches the method."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest
from likeness.models.errors import InvalidSettingError, MissingModelFileError
from likeness.tests.host.facestudio.conftest import DESCRIPTION
from likeness.tests.host.ip_adapter.conftest import SEEN
from safetensors.torch import save_file

pytestmark = pytest.mark.comfy


@pytest.fixture
def load(folders):
    from likeness.nodes.facestudio.load import LoadFaceStudio

    return LoadFaceStudio


@pytest.fixture
def combine(folders):
    from likeness.nodes.facestudio.load import FaceStudioFromIPAdapters

    return FaceStudioFromIPAdapters


@pytest.fixture
def files(folders, facestudio_weights):
    """Two files in the folder, of spaces with the same names."""
    (folders / "facestudio").mkdir()
    for name in "ab":
        metadata = replace(DESCRIPTION, space=name).metadata()
        save_file(facestudio_weights(), folders / "facestudio" / f"{name}.safetensors", metadata=metadata)


def folded(node):
    return [each.id for each in node.define_schema().inputs if getattr(each, "advanced", None)]


def rare(*names):
    from comfy_api.latest import io

    return list(names) if "advanced" in inspect.signature(io.Combo.Input).parameters else []


def test_lists_begin_with_auto_and_name_the_files_of_their_folder(load, files):
    options = {each.id: list(each.options) for each in load.define_schema().inputs if hasattr(each, "options")}
    assert options == {
        "facestudio": ["auto", "a.safetensors", "b.safetensors"],
        "recogniser": ["auto"],
        "clip_vision_file": ["auto"],
    }


def test_it_runs_as_it_is_put_on_the_canvas_and_takes_the_file_that_is_named(load, files, execute):
    assert execute(load).result[0].space.name == "a"
    assert execute(load, facestudio="b.safetensors").result[0].space.name == "b"


def test_every_widget_and_the_socket_reach_the_loader(load, files, execute, monkeypatch):
    from likeness.nodes.facestudio import load as module

    asked = {}
    monkeypatch.setattr(module, "choose_facestudio", lambda **given: asked.update(given))
    given = {"facestudio": "b", "recogniser": "r", "clip_vision_file": "c", "clip_vision": object()}
    execute(load, **given)
    assert asked == given


def test_without_files_the_folder_is_named(load, execute, folders):
    with pytest.raises(MissingModelFileError, match=str(folders / "facestudio")):
        execute(load)


def test_files_of_encoders_that_are_named_must_be_there(load, files, execute):
    for widget in ("recogniser", "clip_vision_file"):
        with pytest.raises(MissingModelFileError, match=r'"gone.bin" was not found'):
            execute(load, **{widget: "gone.bin"})


def test_what_is_rarely_touched_is_folded(load, combine):
    assert folded(load) == rare("recogniser", "clip_vision_file")
    assert folded(combine) == rare("structure_scale", "lora_strength")


def test_two_adapters_become_the_method_with_the_published_strengths(combine, execute, ip_adapter):
    style, face = ip_adapter("plain"), ip_adapter("faceid")
    [found] = execute(combine, style_adapter=style, face_adapter=face).result
    assert (found.style, found.face) == (style, face)
    assert (found.style_strength, found.face_strength) == (0.6, 0.8)
    assert (found.lora_strength, found.structure_scale) == (1, 1)
    assert found.space.width == SEEN


def test_every_widget_reaches_the_method(combine, execute, ip_adapter):
    widgets = {"style_strength": 0.1, "face_strength": 0.2, "structure_scale": 0.3, "lora_strength": 0.4}
    [found] = execute(combine, style_adapter=ip_adapter("plain"), **widgets).result
    assert found.face is None
    assert {name: getattr(found, name) for name in widgets} == widgets


def test_adapters_in_each_others_place_are_refused(combine, execute, ip_adapter):
    with pytest.raises(InvalidSettingError, match="style_adapter is FaceID"):
        execute(combine, style_adapter=ip_adapter("faceid"), face_adapter=ip_adapter("plain"))
    with pytest.raises(InvalidSettingError, match="face_adapter is plain"):
        execute(combine, style_adapter=ip_adapter("plain"), face_adapter=ip_adapter("plain"))
