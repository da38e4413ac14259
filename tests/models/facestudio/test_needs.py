"""What FaceStudio asks for in its two forms."""

from __future__ import annotations

from likeness.models.clip.needs import OPENAI_RN101, OPENAI_VIT_B, OPENAI_VIT_L
from likeness.models.facestudio.checkpoint import FILES, FOLDERS
from likeness.models.facestudio.needs import NEEDS
from likeness.models.ip_adapter.needs import FACES, PLAIN

ADAPTERS, TRAINED = NEEDS


def test_two_adapters_each_have_their_own_image_encoder():
    wants = {want.purpose: want for want in ADAPTERS.wants}
    assert wants[PLAIN.purpose] == PLAIN
    assert wants[FACES.purpose] == FACES
    readers = [want.reads_for for want in ADAPTERS.wants if want.reads_for]
    assert readers == [PLAIN.purpose, FACES.purpose]


def test_the_trained_form_needs_a_file_that_nobody_published():
    [file] = [want for want in TRAINED.wants if want.folders == FOLDERS]
    assert file.kinds == tuple(signature.kind for signature in FILES)
    assert file.published == ()


def test_the_trained_form_takes_the_paper_s_encoders():
    [encoder] = [want for want in TRAINED.wants if want.purpose == "image encoder"]
    assert encoder.published[:3] == (OPENAI_VIT_L, OPENAI_RN101, OPENAI_VIT_B)
    assert encoder.encoder == ""


def test_a_text_as_style_is_optional():
    for needs in NEEDS:
        assert [
            want.purpose
            for want in needs.wants
            if want.folders in (("prior",), ("text_encoders",)) and not want.optional
        ] == []
