"""What judging pictures asks for."""

from __future__ import annotations

from likeness.models.face.needs import SFACE
from likeness.models.similarity.needs import DINO, NEEDS

LIKENESS, FACIAL = NEEDS


def test_no_checkpoint_is_in_play():
    assert [needs.bases for needs in NEEDS] == [("",)] * 2
    assert "checkpoint" not in [want.purpose for needs in NEEDS for want in needs.wants]


def test_of_several_recognisers_the_free_one_is_named_first():
    [recogniser] = [want for want in LIKENESS.wants if want.purpose == "face recogniser"]
    assert recogniser.published[0] == SFACE
    assert {"arcface", "sface"} < set(recogniser.kinds)
    assert "dlib" in LIKENESS.note


def test_facial_similarity_needs_parser_and_dino():
    assert [want.purpose for want in FACIAL.wants] == ["face parser", "DINO"]
    assert FACIAL.wants[1].published == (DINO,)
