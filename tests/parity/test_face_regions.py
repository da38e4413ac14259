"""Face parsing and regions against stored outputs of the published ConsistentID code, each within its own tolerance."""

import pytest
import torch
from likeness.tests.parity.consistentid import face_cases
from likeness.tests.parity.folder import Folder, folder_of
from likeness.tests.parity.recipe import report


@pytest.mark.parametrize("run", face_cases.CASES)
@torch.no_grad()
def test_case(run):
    comparisons = list(run(folder_of("consistentid", face_cases.HERE)))

    assert comparisons
    assert report(comparisons) == []


def test_a_mistake_is_noticed(monkeypatch):
    """Masks whose holes stay open do not pass."""
    monkeypatch.setattr(face_cases, "filled_masks", lambda labels: {"Face": (labels == 1) * 255})
    assert report(face_cases.masks(Folder(face_cases.HERE)))
