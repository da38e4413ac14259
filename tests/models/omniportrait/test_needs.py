"""What OmniPortrait's two halves ask for."""

from __future__ import annotations

from likeness.models.omniportrait.checkpoint import FILES, FOLDERS
from likeness.models.omniportrait.needs import NEEDS

GUIDANCE, FUSED = NEEDS


def test_guidance_needs_nothing_but_a_checkpoint():
    assert [want.purpose for want in GUIDANCE.wants if not want.optional] == ["checkpoint"]


def test_fused_nouns_need_a_file_that_nobody_published():
    [adapter] = [want for want in FUSED.wants if want.folders == FOLDERS]
    assert adapter.kinds == tuple(signature.kind for signature in FILES)
    assert adapter.published == ()
    assert "trainer" in FUSED.note
