"""What UniPortrait asks for is what its loader reads."""

from __future__ import annotations

from likeness.models.clip.needs import IMAGE_ENCODER, VIT_H
from likeness.models.uniportrait.checkpoint import FILES, FOLDERS
from likeness.models.uniportrait.needs import BACKBONE, FACEID, NEEDS, ROUTER

[UNIPORTRAIT] = NEEDS
WANTS = {want.purpose: want for want in UNIPORTRAIT.wants}


def test_each_of_its_own_files_is_wanted_once_and_published():
    own = {kind: want for want in UNIPORTRAIT.wants for kind in want.kinds if want.folders == FOLDERS}
    assert set(own) == {signature.kind for signature in FILES}
    assert [file for want in own.values() for file in want.published] == [FACEID, ROUTER, BACKBONE]


def test_it_is_for_sd15_and_one_person_needs_no_router():
    assert UNIPORTRAIT.bases == ("SD1.5",)
    assert [purpose for purpose, want in WANTS.items() if not want.optional] == [
        "checkpoint", "adapter", "face backbone", "image encoder",
    ]  # fmt: skip


def test_it_reads_vit_h():
    assert WANTS["image encoder"].encoder == VIT_H == IMAGE_ENCODER.encoder
