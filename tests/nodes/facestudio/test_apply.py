"""Apply FaceStudio: what reaches the method, and what is handed on and shown."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.people.person import People
from likeness.tests.host.ip_adapter.conftest import SEEN
from likeness.tests.people import crowd

pytestmark = pytest.mark.comfy


@pytest.fixture
def apply(execute, tiny_model, facestudio, style):
    from likeness.nodes.facestudio.apply import ApplyFaceStudio

    def run(**inputs):
        return execute(
            ApplyFaceStudio, **({"model": tiny_model(), "facestudio": facestudio(), "style": style()} | inputs)
        )

    return run


@pytest.fixture
def zero_shot(ip_adapter):
    from likeness.host.facestudio.zero_shot import ZeroShotFaceStudio

    return ZeroShotFaceStudio(style=ip_adapter("plain"), face=ip_adapter("faceid"))


class Notes:
    """Notes what it is asked for, and does what another does."""

    def __init__(self, method):
        self.method, self.asked = method, None

    def apply(self, model, asked):
        self.asked = asked
        return self.method.apply(model, asked)


@pytest.fixture
def notes(facestudio):
    return Notes(facestudio())


@pytest.fixture
def said(monkeypatch):
    """The notes of the strips that were drawn."""
    from likeness.nodes.facestudio import apply as module

    found, original = [], module.strip_of
    monkeypatch.setattr(module, "strip_of", lambda *args: found.append(args[2]) or original(*args))
    return found


def test_people_are_put_into_a_clone_and_shown(apply, tiny_model, shown):
    model = tiny_model()
    output = apply(model=model, people=crowd(1))
    found, positive, negative, applied, preview, people_mask = output.result
    assert applied
    assert found is not model
    assert (bool(found.patches), bool(model.patches)) == (True, False)
    assert positive[0][0].shape == negative[0][0].shape
    assert preview.shape[2] == 512
    assert people_mask.shape == (1, 64, 64)
    assert shown(output) == 1


def test_outputs_stand_in_the_order_in_which_they_are_named():
    from likeness.nodes.facestudio.apply import ApplyFaceStudio

    names = [each.display_name for each in ApplyFaceStudio.define_schema().outputs]
    assert names == ["model", "positive", "negative", "applied", "preview", "people_mask"]


def test_defaults_are_the_papers(apply, notes):
    apply(facestudio=notes)
    asked = notes.asked
    assert (asked.alpha, asked.strength, asked.mixing, asked.regions) == (0.5, 1, "unit length", "hard")
    assert (asked.background, asked.seed, asked.where) == ("none", 0, None)
    assert (len(asked.people), asked.text, asked.negative_text, asked.positive, asked.negative) == (
        0,
        None,
        None,
        None,
        None,
    )


def test_every_widget_and_socket_reaches_the_method(apply, notes, style):
    mask = torch.ones(1, 8, 8)
    people, text, unwanted = crowd(1, mask=mask), style("text", 1), style("text", 2)
    apply(
        facestudio=notes, alpha=0.3, strength=0.4, background="nearest", regions="soft", mixing="literal", seed=7, text=text,
        negative_text=unwanted, people=people,
    )  # fmt: skip
    asked = notes.asked
    assert (asked.alpha, asked.strength, asked.background, asked.regions) == (0.3, 0.4, "nearest", "soft")
    assert (asked.mixing, asked.seed, asked.people) == ("literal", 7, people)
    assert (asked.text, asked.negative_text) == (text, unwanted)


def test_a_placement_reaches_the_method(apply, notes, execute):
    from likeness.nodes.placement.place import PlacePeople

    masks = torch.zeros(2, 8, 8)
    masks[0, :, :3] = masks[1, :, 5:] = 1
    placement = execute(PlacePeople, by="masks", masks=masks, people=crowd(2)).result[0]
    output = apply(facestudio=notes, people=crowd(2), placement=placement)
    assert notes.asked.where is placement
    assert output.result[5][0].mean(0).tolist() == [1, 1, 1, 0, 0, 1, 1, 1]


def test_prompts_pass_through_in_the_form_without_weights_of_its_own(apply, zero_shot, style, conditioning):
    positive, negative = conditioning(1), conditioning(2)
    given = {"facestudio": zero_shot, "style": style(width=SEEN, name=""), "people": crowd(1)}
    output = apply(**given, positive=positive, negative=negative)
    assert output.result[1] is positive
    assert output.result[2] is negative
    with pytest.raises(InvalidSettingError, match="connect positive and negative of Apply FaceStudio"):
        apply(**given)


def test_a_trained_file_refuses_prompts(apply, conditioning):
    with pytest.raises(InvalidSettingError, match="positive and negative of Apply FaceStudio are connected"):
        apply(positive=conditioning(1), negative=conditioning(2))


def test_an_alpha_that_is_forced_is_said_in_the_preview(apply, said, style):
    apply(alpha=0.25)
    apply(alpha=0.25, style=None, text=style("text"))
    apply(alpha=0.25, text=style("text"))
    assert said == [
        "alpha is 1 and not 0.25: no text is connected.",
        "alpha is 0 and not 0.25: no style picture is connected.",
        "",
    ]


def test_somebody_whose_mask_is_empty_is_said_to_be_nowhere(apply, said):
    first, second = crowd(2, mask=torch.ones(1, 8, 8))
    people = People((replace(first, name="Ada", mask=torch.zeros(1, 8, 8)), replace(second, name="Bo")))
    apply(people=people)
    assert "Nowhere, because the mask is empty: Ada." in said[0]


def test_nothing_to_be_seen_is_one_sentence(apply):
    with pytest.raises(InvalidSettingError, match="connect style from Encode Style, text from Predict Image Embedding"):
        apply(style=None)


def test_what_is_rarely_touched_is_folded():
    from comfy_api.latest import io
    from likeness.nodes.facestudio.apply import ApplyFaceStudio

    folded = [each.id for each in ApplyFaceStudio.define_schema().inputs if getattr(each, "advanced", None)]
    rare = ["regions", "mixing", "seed"]
    assert folded == (rare if "advanced" in inspect.signature(io.Combo.Input).parameters else [])
