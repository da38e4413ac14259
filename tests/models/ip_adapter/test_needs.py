"""What IP-Adapter asks for, for faces and for pictures."""

from __future__ import annotations

import pytest
from likeness.models.clip.needs import VIT_BIGG, VIT_H
from likeness.models.ip_adapter.files import FILES, FOLDERS
from likeness.models.ip_adapter.needs import (
    FACEID_PLUS_SD15,
    FACEID_PLUS_SDXL,
    IMAGE_PROMPT,
    IP_ADAPTER_PLUS,
    IP_ADAPTER_SD15_BIGG,
    IP_ADAPTER_SDXL,
    NEEDS,
)

FACES, PICTURES = NEEDS


def adapters(needs):
    return [want for want in needs.wants if want.folders == FOLDERS]


def test_every_kind_of_adapter_is_for_faces_or_for_pictures():
    wanted = [kind for needs in NEEDS for want in needs.wants for kind in want.kinds]
    assert {signature.kind for signature in FILES} <= set(wanted)


@pytest.mark.parametrize("needs", NEEDS, ids=lambda needs: needs.name)
def test_either_family_has_a_published_adapter_and_the_encoder_that_it_reads(needs):
    [adapter] = adapters(needs)
    [encoder] = [want for want in needs.wants if want.purpose == "image encoder"]
    assert encoder.reads_for == adapter.purpose
    for base in needs.bases:
        assert adapter.published_for(base)[0].encoder in {file.encoder for file in encoder.published}


def test_the_adapters_of_bigg_are_told_from_the_others():
    assert [file.encoder for file in (IP_ADAPTER_SD15_BIGG, IP_ADAPTER_SDXL)] == [VIT_BIGG] * 2
    others = (IMAGE_PROMPT, IP_ADAPTER_PLUS, FACEID_PLUS_SD15, FACEID_PLUS_SDXL)
    assert [file.encoder for file in others] == [VIT_H] * 4


def test_faces_need_a_recogniser_and_pictures_none():
    assert "face recogniser" in [want.purpose for want in FACES.wants]
    assert "face recogniser" not in [want.purpose for want in PICTURES.wants]
