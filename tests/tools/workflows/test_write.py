"""The command that writes the workflows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from likeness.tests.tools.workflows.graphs import built
from likeness.tools.workflows.formats import to_api, to_ui
from likeness.tools.workflows.write import FOLDER, WORKFLOWS, write_portraits, write_text
from PIL import Image


@pytest.mark.parametrize("name", WORKFLOWS)
def test_both_formats_are_written_under_the_name_of_the_workflow(name):
    files = write_text(built(name))
    assert {path: json.loads(text) for path, text in files.items()} == {
        Path(f"{name}.json"): to_ui(built(name)),
        Path("api", f"{name}.json"): to_api(built(name)),
    }


def test_the_shipped_portraits_are_those_that_are_drawn(tmp_path):
    drawn = {file.name: np.asarray(Image.open(file)) for file in write_portraits(tmp_path)}
    shipped = {file.name: np.asarray(Image.open(file)) for file in (FOLDER / "portraits").iterdir()}
    assert shipped.keys() == drawn.keys()
    for name, portrait in drawn.items():
        assert np.abs(shipped[name].astype(int) - portrait).max() <= 1, name  # another processor may round otherwise
