"""Which published files serve with which family of checkpoints."""

from __future__ import annotations

import pytest
from likeness.models.weights.needs import CHECKPOINT, CONTROL_NET, SD15, SDXL
from likeness.models.weights.signatures import BASE_MODEL


@pytest.mark.parametrize(("base", "files"), [("SD1.5", (SD15,)), ("SDXL", (SDXL,)), ("", ())])
def test_a_file_of_a_family_serves_that_alone(base, files):
    assert CHECKPOINT.published_for(base) == files
    assert CHECKPOINT.kinds == (BASE_MODEL,)


def test_base_models_say_their_family():
    assert [file.base for file in (SD15, SDXL, CONTROL_NET)] == ["SD1.5", "SDXL", "SD1.5"]
