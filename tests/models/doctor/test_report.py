"""The report as data: what the page and programs get."""

from __future__ import annotations

import json

import pytest
from likeness.models.doctor.looking import folders_below
from likeness.models.doctor.report import make_report
from likeness.models.errors import InvalidSettingError
from likeness.models.uniportrait.needs import BACKBONE, FACEID
from likeness.tests.models.doctor import small_models
from likeness.tests.models.doctor.small_models import put


@pytest.fixture
def report(tmp_path):
    def run(choice):
        return make_report(choice, folders_below(tmp_path))

    return run


def test_it_is_json_without_a_loss(report, tmp_path):
    put(tmp_path, "uniportrait/x.bin", small_models.faceid())
    data = report("everything").to_data()
    assert json.loads(json.dumps(data)) == data


def test_what_is_needed_is_told_from_what_is_optional(report, tmp_path):
    put(tmp_path, "checkpoints/x.safetensors", small_models.checkpoint(768))
    put(tmp_path, "uniportrait/x.bin", small_models.faceid())
    data = report("UniPortrait").to_data()
    assert data["needed"] == [BACKBONE.name, "CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors"]
    assert data["optional"] == [
        "uniportrait-router_sd15.bin", "face_detection_yunet_2023mar.onnx", "ip-adapter_sd15.safetensors",
        "control_v11p_sd15_openpose_fp16.safetensors",
    ]  # fmt: skip
    [method] = data["methods"]
    assert not method["ready"]
    assert {want["purpose"]: want["missing"] for want in method["wants"]} == {
        "checkpoint": False, "adapter": False, "router": True, "face backbone": True, "image encoder": True,
        "face detector": True, "image prompt": True, "ControlNet": True,
    }  # fmt: skip


def test_a_found_file_comes_with_its_terms(report, tmp_path):
    path = put(tmp_path, f"uniportrait/{FACEID.name}", small_models.faceid())
    put(tmp_path, "uniportrait/mine.safetensors", small_models.backbone())
    files = {file["name"]: file for file in report("UniPortrait").to_data()["files"]}
    found = files[FACEID.name]
    assert (found["path"], found["base"], found["kind"]) == (str(path), "SD1.5", "faceid")
    assert (found["licence"], found["commercial"], found["published"]) == ("Apache-2.0", "yes", FACEID.name)
    assert found["convertible"]
    mine = files["mine.safetensors"]
    assert (mine["licence"], mine["commercial"], mine["convertible"]) == ("not known here", "unclear", False)


def test_what_is_converted_already_or_unknown_is_not_offered(report, tmp_path):
    path = put(tmp_path, "uniportrait/x.bin", small_models.faceid())
    put(tmp_path, "uniportrait/y.bin", small_models.weights(nobody__knows=(1,)))
    files = {file["name"]: file for file in report("everything").to_data()["files"]}
    assert (files["x.bin"]["convertible"], files["y.bin"]["convertible"]) == (True, False)
    path.with_suffix(".safetensors").write_bytes(b"something")
    files = {file["name"]: file for file in report("everything").to_data()["files"]}
    assert not files["x.bin"]["convertible"]


def test_a_method_s_report_leaves_out_other_methods_files(report, tmp_path):
    put(tmp_path, "uniportrait/x.bin", small_models.faceid())
    put(tmp_path, "consistentid/y.bin", small_models.consistentid(768))
    (tmp_path / "consistentid" / "page.bin").write_bytes(b"<html>")
    assert [file["name"] for file in report("UniPortrait").to_data()["files"]] == ["x.bin"]
    assert {file["name"] for file in report("ConsistentID").to_data()["files"]} == {"y.bin", "page.bin"}


def test_a_published_file_is_there_when_it_is_whole(report, tmp_path):
    path = put(tmp_path, f"uniportrait/{FACEID.name}", small_models.faceid())

    def is_there():
        return {file["name"]: file["there"] for file in report("UniPortrait").to_data()["known"]}[FACEID.name]

    assert is_there()
    path.write_bytes(b"<html>")
    assert not is_there()


def test_hostile_names_are_only_text(report, tmp_path):
    name = "<img src=x onerror=alert(1)>\n'\".bin"
    put(tmp_path, f"uniportrait/{name}", small_models.faceid())
    assert [file["name"] for file in report("UniPortrait").to_data()["files"]] == [name]


def test_an_unknown_method_is_refused(report):
    with pytest.raises(InvalidSettingError):
        report("nobody's")
