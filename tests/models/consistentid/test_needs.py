"""What ConsistentID asks for."""

from __future__ import annotations

from likeness.models.consistentid.checkpoint import FILES, FOLDERS
from likeness.models.consistentid.needs import CONSISTENTID_SD15, CONSISTENTID_SDXL, NEEDS

[CONSISTENTID] = NEEDS
WANTS = {want.purpose: want for want in CONSISTENTID.wants}


def test_either_family_has_its_own_adapter():
    adapter = WANTS["adapter"]
    assert adapter.kinds == tuple(signature.kind for signature in FILES)
    assert adapter.folders == FOLDERS
    assert [adapter.published_for(base) for base in CONSISTENTID.bases] == [(CONSISTENTID_SD15,), (CONSISTENTID_SDXL,)]


def test_everything_but_another_detector_must_be_there():
    assert [purpose for purpose, want in WANTS.items() if want.optional] == ["face detector"]
