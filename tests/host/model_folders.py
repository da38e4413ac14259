"""Model folders of a test's own, empty and known to ComfyUI."""

from __future__ import annotations

import shutil

import pytest


@pytest.fixture
def folders(monkeypatch, tmp_path):
    """The models folder; ComfyUI knows our folders in it and clip_vision."""
    import folder_paths
    from likeness.host.files import register_folders

    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path))
    known = {"clip_vision": ([str(tmp_path / "clip_vision")], {".safetensors", ".bin"})}
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", known)
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})
    register_folders()
    return tmp_path


@pytest.fixture
def identities(folders):
    """The folder of identity cards, empty."""
    found = folders / "identities"
    found.mkdir()
    return found


@pytest.fixture
def put(folders):
    """Copy a file into the models folder, `put(source, "folder/name")`; gives its path there."""

    def run(source, name):
        path = folders / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, path)
        return path

    return run
