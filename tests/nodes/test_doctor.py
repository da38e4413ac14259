"""Check Models: the node tells, and touches nothing; in this process and in a running ComfyUI."""

# pyright: reportUnusedImport=false

from __future__ import annotations

import json
import math

import pytest
from likeness.models.doctor.catalogue import EVERYTHING, choices
from likeness.tests.host.model_folders import folders  # noqa: F401
from likeness.tests.models.doctor.small_models import backbone, checkpoint, clip_vision, faceid, put

pytestmark = pytest.mark.comfy


def files(folder):
    """All that lies below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
def check(execute, folders):  # noqa: F811
    from likeness.nodes.doctor import CheckModels

    return lambda method: execute(CheckModels, method=method)


def test_it_says_what_is_missing_and_shows_it(check, folders):  # noqa: F811
    put(folders, "uniportrait/x.bin", faceid())
    before = files(folders)
    output = check("UniPortrait")
    text, data, ready = output.result
    assert text.startswith("# Model files for UniPortrait")
    assert json.loads(data)["needed"][0] == "v1-5-pruned-emaonly-fp16.safetensors"
    assert ready is False
    assert output.ui.as_dict()["text"] == (text,)
    assert files(folders) == before


def test_it_is_ready_when_everything_is_there(check, folders):  # noqa: F811
    put(folders, "uniportrait/x.bin", faceid())
    put(folders, "uniportrait/y.bin", backbone())
    put(folders, "checkpoints/z.safetensors", checkpoint(768))
    assert check("UniPortrait").result[2] is False
    put(folders, "clip_vision/w.safetensors", clip_vision(1280))
    assert check("UniPortrait").result[2] is True


def test_it_runs_again_each_time_for_files_come_and_go():
    from likeness.nodes.doctor import CheckModels

    assert math.isnan(CheckModels.fingerprint_inputs(method=EVERYTHING))


def test_it_offers_every_method(check):
    from likeness.nodes.doctor import CheckModels

    [method] = CheckModels.define_schema().inputs
    assert method.options == choices()
    assert all(check(choice).result[0] for choice in choices())


def test_it_runs_over_http_in_a_release(miniature_server):
    path = put(miniature_server.base / "models", "uniportrait/told.bin", faceid())
    prompt = {"1": {"class_type": "LikenessCheckModels", "inputs": {"method": "UniPortrait"}}}
    outputs = miniature_server.run(prompt)["outputs"]
    path.unlink()
    again = miniature_server.run(prompt)["outputs"]
    assert f"`{path}`" in outputs["1"]["text"][0]
    assert f"`{path}`" not in again["1"]["text"][0]
