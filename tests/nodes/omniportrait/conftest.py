"""The tiny models of the host's tests, and model folders of a test's own."""

from types import SimpleNamespace

import pytest
import torch
from likeness.tests.host.conftest import conditioning as conditioning
from likeness.tests.host.conftest import cross_sites as cross_sites
from likeness.tests.host.conftest import loaded_model as loaded_model
from likeness.tests.host.conftest import narrow_clip as narrow_clip
from likeness.tests.host.conftest import sample as sample
from likeness.tests.host.conftest import tiny_model as tiny_model


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The model folders, empty."""
    import folder_paths
    from likeness.host.files import register_folders

    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path))
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", {})
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})
    folder_paths.folder_names_and_paths["clip_vision"] = (
        [str(tmp_path / "clip_vision")],
        folder_paths.supported_pt_extensions,
    )
    register_folders()
    for name in ("omniportrait", "clip_vision"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def run(monkeypatch):
    """Execute a node as ComfyUI does, in inference mode; widgets that are not given have their defaults."""

    def execute(node, **inputs):
        hidden = SimpleNamespace(prompt=None, unique_id="1", extra_pnginfo=None)
        monkeypatch.setattr(node, "hidden", hidden, raising=False)
        defaults = {
            entry.id: entry.default
            for entry in node.define_schema().inputs
            if getattr(entry, "default", None) is not None
        }
        with torch.inference_mode():
            return node.execute(**{**defaults, **inputs}).result

    return execute
