"""What exists of IP-Adapter against stored outputs of its published code, each case within its own tolerance."""

import pytest
import torch
from likeness.models.ip_adapter.application import PictureResidual
from likeness.tests.parity.folder import Folder, folder_of
from likeness.tests.parity.ip_adapter import cases
from likeness.tests.parity.recipe import report


@pytest.mark.parametrize("run", cases.CASES)
@torch.no_grad()
def test_case(run):
    comparisons = list(run(folder_of("ipadapter", cases.HERE)))

    assert comparisons
    assert report(comparisons) == []


@torch.no_grad()
def test_a_mistake_is_noticed(monkeypatch):
    """A strength that is not heeded does not pass."""
    monkeypatch.setattr(cases, "PictureResidual", lambda *args: PictureResidual(*args[:-1], 1.0))
    failed = {line.split(":")[0] for line in report(cases.layers(Folder(cases.HERE)))}
    assert {"attn_ip_small scale_0", "attn_ip_small scale_0.6"} <= failed
    assert "attn_ip_small scale_1" not in failed
