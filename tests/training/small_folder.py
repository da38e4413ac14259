"""A folder with models and data, for tests that run the command that trains."""

from __future__ import annotations

import pytest
from accelerate.state import AcceleratorState
from likeness.tests.training.small_files import write_data, write_models


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Models and data, written once for a module."""
    folder = tmp_path_factory.mktemp("files")
    write_models(folder / "models")
    write_data(folder / "data")
    return folder


@pytest.fixture
def folder(files, tmp_path, monkeypatch):
    """A folder with models and data, in a process that has not trained yet."""
    for name in ("models", "data"):
        (tmp_path / name).symlink_to(files / name)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    AcceleratorState._reset_state(True)
    return tmp_path
