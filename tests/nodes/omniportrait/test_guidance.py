"""Apply Reference-Based Guidance: from widgets to settings and a way of finding people."""

from __future__ import annotations

import pytest
import torch
from likeness.tests.host.omniportrait.small_guidance import VAE, Detector, half, people

pytestmark = pytest.mark.comfy


@pytest.fixture
def apply(run, loaded_model):
    from likeness.nodes.omniportrait.guidance import ApplyReferenceGuidance

    def execute(**inputs):
        return run(ApplyReferenceGuidance, **{"model": loaded_model, "people": people(half()), "vae": VAE, **inputs})

    return execute


@pytest.fixture
def asked(monkeypatch):
    """What the node asked of the host."""
    from likeness.nodes.omniportrait import guidance

    seen, apply = [], guidance.apply_guidance

    def watched(*args, **named):
        seen.append((args, named))
        return apply(*args, **named)

    monkeypatch.setattr(guidance, "apply_guidance", watched)
    return seen


def test_widgets_become_settings(apply, asked, loaded_model):
    from likeness.host.sampling.runs import sigma_window

    widgets = {
        "strength": 9.0, "strength_mode": "paper_sum", "every_k": 3, "step_mode": "x0_only", "reference_percent": 0.5,
        "seeds": 2, "keep_background": False, "start_percent": 0.3, "end_percent": 0.8, "features": "fine",
        "reference_size": 192,
    }  # fmt: skip
    apply(**widgets)
    [((_, _, settings), named)] = asked
    assert (settings.strength, settings.mode, settings.every, settings.step_mode) == (9.0, "paper_sum", 3, "x0_only")
    assert (settings.reference_percent, settings.seeds, settings.keeps_background) == (0.5, 2, False)
    assert settings.window == sigma_window(loaded_model, 0.3, 0.8)
    assert (named["look"].detail, named["look"].size, named["look"].vae) == ("fine", 192, VAE)


def test_it_guides_by_default_where_faces_are_and_says_so(apply, monkeypatch):
    from likeness.nodes.omniportrait import guidance

    said, show = [], guidance.applied_output
    monkeypatch.setattr(
        guidance, "applied_output", lambda applied, cls, note: said.append((applied, note)) or show(applied, cls, note)
    )
    from likeness.host.omniportrait import finding

    monkeypatch.setattr(finding, "choose_detector", lambda choice, **options: Detector())
    model, applied, preview = apply(people=people(None, half("right")))
    assert applied
    assert model.attachments
    assert preview.shape[0] == 1
    [(result, note)] = said
    assert [line.state for line in result.lines] == ["at their face", "mask"]
    assert note.startswith("Faces in the photos are outlined by the ellipse")


def test_strength_0_gives_the_model_itself_and_no_note(apply, loaded_model, monkeypatch):
    from likeness.nodes.omniportrait import guidance

    notes, show = [], guidance.applied_output
    monkeypatch.setattr(
        guidance, "applied_output", lambda applied, cls, note: notes.append(note) or show(applied, cls, note)
    )
    model, applied, _ = apply(strength=0.0)
    assert model is loaded_model
    assert not applied
    assert notes == [""]


def test_a_placement_is_handed_on(apply, asked):
    from likeness.host.placement import MASKS_ONLY

    apply(people=people(half(), None), placement=MASKS_ONLY)
    [(_, named)] = asked
    assert named["where"] is MASKS_ONLY


def test_what_is_guided_is_drawn(apply, loaded_model, sample):
    model, *_ = apply(start_percent=0.0, seeds=1, strength=0.5)
    with torch.inference_mode():
        assert not torch.equal(sample(model), sample(loaded_model))
