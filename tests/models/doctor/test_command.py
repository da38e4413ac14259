"""The command line: what it prints, what it refuses, and that it touches nothing unasked."""

from __future__ import annotations

import io
import json

import pytest
from huggingface_hub import constants
from likeness.models.doctor.command import find_models, main
from likeness.models.uniportrait.needs import FACEID
from likeness.tests.models.doctor import small_models
from likeness.tests.models.doctor.small_models import put


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the command on a models folder; gives its result, what it printed, and what it complained of."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    models = tmp_path / "models"
    models.mkdir()

    def command(*arguments, models=models):
        out, errors = io.StringIO(), io.StringIO()
        given = ["--models", str(models)] if models else []
        return main([*given, *arguments], tmp_path / "pack", out, errors), out.getvalue(), errors.getvalue()

    return command


def files(folder):
    """All that lies below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_without_a_verb_it_reports_and_touches_nothing(run, tmp_path):
    path = put(tmp_path / "models", "uniportrait/x.bin", small_models.faceid())
    before = files(tmp_path)
    result, out, errors = run("--for", "uniportrait")
    assert (result, errors) == (0, "")
    assert f"`{path}`" in out
    assert f'python models_doctor.py --models "{tmp_path / "models"}" download glint360k' in out
    assert files(tmp_path) == before


def test_the_report_as_json(run):
    result, out, _ = run("--json", "--for", "Score Likeness")
    assert result == 0
    assert json.loads(out)["for"] == "Score Likeness"


def test_a_conversion_keeps_the_original(run, tmp_path):
    path = put(tmp_path / "models", "uniportrait/x.bin", small_models.faceid())
    result, out, _ = run("convert", str(path))
    assert result == 0
    assert "the same bits as in x.bin, which stays" in out
    assert files(path.parent) == ["x.bin", "x.safetensors"]


def test_files_outside_of_the_models_folder_are_not_converted(run, tmp_path):
    outside = put(tmp_path, "x.bin", small_models.faceid())
    (tmp_path / "models" / "uniportrait").mkdir()
    for name in (outside, tmp_path / "models" / "uniportrait" / ".." / ".." / "x.bin"):
        result, _, errors = run("convert", str(name))
        assert result == 1
        assert "is no file that the report lists" in errors
    assert not outside.with_suffix(".safetensors").exists()


@pytest.mark.parametrize("name", ["../../x", "nobody's.bin", "/etc/passwd"])
def test_only_published_files_are_downloaded(run, name):
    result, out, errors = run("download", name)
    assert (result, out) == (1, "")
    assert "No published file" in errors


def test_offline_is_a_sentence_and_a_failure(run, tmp_path):
    result, _, errors = run("download", FACEID.name)
    assert result == 1
    assert "HF_HUB_OFFLINE is set" in errors
    assert files(tmp_path / "models") == []


@pytest.mark.parametrize("verb", ["download", "convert"])
def test_a_verb_needs_a_name(run, verb):
    result, _, errors = run(verb)
    assert result == 1
    assert f"models_doctor.py {verb} NAME" in errors


def test_an_unknown_method_and_a_missing_folder_are_sentences(run, tmp_path):
    assert "No method is called" in run("--for", "nobody's")[2]
    assert "There is no folder" in run(models=tmp_path / "nowhere")[2]
    assert "does not lie in a ComfyUI's custom_nodes" in run(models=None)[2]


def test_the_comfyui_that_the_pack_is_installed_in_is_found(tmp_path):
    comfy, clone = tmp_path / "ComfyUI", tmp_path / "clone"
    clone.mkdir()
    (comfy / "custom_nodes").mkdir(parents=True)
    pack = comfy / "custom_nodes" / "ComfyUI-Likeness"
    pack.symlink_to(clone)
    assert find_models(pack) is None
    (comfy / "models").mkdir()
    assert find_models(pack) == comfy / "models"
    assert find_models(clone) is None
