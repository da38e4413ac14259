"""What FaceStudio's two forms have in common."""

# pyright: reportUnusedImport=false

from __future__ import annotations

from dataclasses import fields

import pytest
from likeness.models.people.person import People
from likeness.tests.host.facestudio.conftest import STYLE
from likeness.tests.host.ip_adapter.conftest import SEEN, ip_adapter, ip_adapter_weights  # noqa: F401

pytestmark = pytest.mark.comfy


@pytest.fixture
def forms(facestudio, ip_adapter):  # noqa: F811
    from likeness.host.facestudio.zero_shot import ZeroShotFaceStudio

    return facestudio(), ZeroShotFaceStudio(style=ip_adapter("plain"), face=ip_adapter("faceid"))


def test_both_forms_say_which_styles_they_read_and_what_looks_at_pictures(forms):
    trained, zero_shot = forms
    assert [str(each.space) for each in forms] == [f"small ({STYLE})", f"{SEEN} wide"]
    assert trained.embedder.width == STYLE
    assert zero_shot.embedder is zero_shot.style.encoders.embedder
    for each, width in ((trained, STYLE), (zero_shot, SEEN)):
        assert each.wanted.startswith(f"CLIP vision model with projected embeddings {width} wide in ")


def test_both_forms_take_the_same_request_and_give_the_same_kind_of_answer(forms, tiny_model, style, conditioning):
    from likeness.host.facestudio.method import AppliedFaceStudio, Asked

    prompts = {"positive": conditioning(1), "negative": conditioning(2)}
    for each, width, given in zip(forms, (STYLE, SEEN), ({}, prompts), strict=True):
        model = tiny_model()
        found = each.apply(model, Asked(people=People(), style=style(width=width, name=""), **given))
        assert isinstance(found, AppliedFaceStudio)
        assert found.model is not model
        assert (found.is_applied, found.lines) == (True, ())
        assert found.note.endswith("alpha is 1 and not 0.5: no text is connected.")
        assert found.people_mask.shape == (1, 64, 64)
        assert not found.people_mask.any()


def test_what_is_not_asked_for_is_the_papers_way():
    from likeness.host.facestudio.method import Asked

    asked = Asked(people=People())
    said = {each.name: getattr(asked, each.name) for each in fields(asked)}
    settings = {name: value for name, value in said.items() if value is not None and name != "people"}
    assert settings == {
        "alpha": 0.5,
        "strength": 1.0,
        "mixing": "unit length",
        "regions": "hard",
        "background": "none",
        "seed": 0,
    }


def test_sentences_are_joined_and_empty_ones_left_out():
    from likeness.host.facestudio.method import sentences

    assert sentences("One.", "", "Two.") == "One. Two."
    assert sentences("", "") == ""
