"""The report as text: what a reader is told, and in which words."""

from __future__ import annotations

import pytest
from likeness.models.doctor.looking import folders_below
from likeness.models.doctor.report import make_report
from likeness.models.doctor.text import to_text
from likeness.models.uniportrait.needs import BACKBONE, FACEID
from likeness.tests.models.doctor import small_models
from likeness.tests.models.doctor.small_models import put


@pytest.fixture
def text(tmp_path):
    def run(choice, **options):
        return to_text(make_report(choice, folders_below(tmp_path)), **options)

    return run


def test_families_that_lack_the_same_share_a_line(text):
    lines = text("everything").splitlines()
    assert (
        "- OmniPortrait - guidance, SD1.5 and SDXL: **missing: checkpoint**. Guidance has no weights of its own."
        in lines
    )
    assert len([line for line in lines if line.startswith("- IP-Adapter - pictures")]) == 2
    assert [line for line in lines if line.startswith("- Score Likeness: **missing: face recogniser**")]


def test_a_missing_file_has_its_place_its_terms_and_the_command_for_it(text):
    line = next(line for line in text("UniPortrait", command="doctor get").splitlines() if BACKBONE.name in line)
    assert "261 MB, into `models/uniportrait`" in line
    assert f"`doctor get {BACKBONE.name}`" in line
    assert "commercial use: unclear." in line


def test_without_a_command_there_is_the_address(text):
    assert f"from {BACKBONE.url}." in text("UniPortrait")


def test_a_file_that_is_published_elsewhere_has_its_page(text):
    text = text("ConsistentID", command="doctor get")
    assert "doctor get w600k_r50.onnx" not in text
    assert "from https://github.com/deepinsight/insightface" in text


def test_found_files_say_what_they_go_with(text, tmp_path):
    path = put(tmp_path, f"uniportrait/{FACEID.name}", small_models.faceid())
    reader = put(tmp_path, "ipadapter/x.safetensors", small_models.plain_adapter(768, 1280))
    encoder = put(tmp_path, "clip_vision/y.safetensors", small_models.clip_vision(1280))
    lines = text("UniPortrait").splitlines()
    assert (
        f"- `{path}` ({path.stat().st_size:,} bytes): a UniPortrait faceid file, for SD1.5. Licence: Apache-2.0; commercial use: yes."
        in lines
    )
    assert any(f"`{reader}`" in line and "for SD1.5, reads ViT-bigG" in line for line in lines)
    assert any(f"`{encoder}`" in line and "is ViT-H." in line for line in lines)


def test_a_misplaced_file_says_where_it_belongs_and_a_damaged_one_what_it_is(text, tmp_path):
    put(tmp_path, "checkpoints/x.bin", small_models.faceid())
    (tmp_path / "uniportrait").mkdir()
    (tmp_path / "uniportrait" / "page.bin").write_bytes(b"<html>")
    shown = text("UniPortrait")
    assert "It belongs into models/uniportrait." in shown
    assert 'The file "page.bin" is a web page (HTML), not weights' in shown.split("## Not usable")[1]


def test_a_file_of_another_size_than_the_published_one_is_told(text, tmp_path):
    put(tmp_path, "ipadapter/ip-adapter_sd15.safetensors", small_models.plain_adapter(768, 1024))
    assert "The published file of this name has 44,642,768 bytes and this one" in text("IP-Adapter - pictures")


def test_it_ends_with_a_caution(text):
    assert text("Score Likeness").rstrip().endswith("have terms of their own.")
