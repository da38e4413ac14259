import os
from pathlib import Path

import pytest
from likeness.tools.comfyui import folders
from likeness.tools.comfyui.folders import find_comfy_folders, missing_line, read_version, version_key, wrong_paths


def make_comfyui(path: Path, version: str) -> Path:
    path.mkdir(parents=True)
    (path / "main.py").touch()
    (path / "comfyui_version.py").write_text(f'__version__ = "{version}"\n')
    return path


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.delenv("COMFYUI_PATH", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(folders, "REPOSITORY", tmp_path / "elsewhere" / "ComfyUI-Likeness")
    return tmp_path


def versions() -> list[str]:
    return [folder.version for folder in find_comfy_folders()]


def test_the_variable_decides_alone_and_versions_sort_as_numbers(home, monkeypatch):
    make_comfyui(home / "comfy" / "ComfyUI", "9.9.9")
    old, new = make_comfyui(home / "old", "0.3.64"), make_comfyui(home / "new", "0.33.0")
    monkeypatch.setenv("COMFYUI_PATH", f"{old}{os.pathsep}{new}")
    assert versions() == ["0.33.0", "0.3.64"]


def test_the_usual_place_and_its_siblings(home):
    make_comfyui(home / "comfy" / "ComfyUI", "0.33.0")
    make_comfyui(home / "comfy" / "ComfyUI-0.3.64", "0.3.64")
    (home / "comfy" / "ComfyUI-not").mkdir()
    assert versions() == ["0.33.0", "0.3.64"]


def test_the_comfyui_that_the_pack_lies_in(home, monkeypatch):
    make_comfyui(home / "comfy" / "ComfyUI", "0.33.0")
    around = make_comfyui(home / "mine", "0.4.0")
    monkeypatch.setattr(folders, "REPOSITORY", around / "custom_nodes" / "ComfyUI-Likeness")
    assert versions() == ["0.4.0"]


def test_one_folder_per_version(home, monkeypatch):
    first, second = make_comfyui(home / "a", "0.4.0"), make_comfyui(home / "b", "0.4.0")
    monkeypatch.setenv("COMFYUI_PATH", f"{first}{os.pathsep}{second}")
    assert [folder.path for folder in find_comfy_folders()] == [first]


def test_a_wrong_folder_is_named_with_the_install_command(home, monkeypatch):
    make_comfyui(home / "comfy" / "ComfyUI", "0.33.0")
    monkeypatch.setenv("COMFYUI_PATH", str(home / "nothing"))
    assert find_comfy_folders() == []
    assert wrong_paths() == [home / "nothing"]
    for part in ("comfy install", "COMFYUI_PATH", str(home / "nothing")):
        assert part in missing_line()
    assert "\n" not in missing_line()


def test_a_folder_without_main_is_no_comfyui(tmp_path):
    (tmp_path / "comfyui_version.py").write_text('__version__ = "1.0.0"')
    assert read_version(tmp_path) is None


def test_version_key():
    assert version_key("0.33.0") > version_key("0.3.64") > version_key("0.3.9")
