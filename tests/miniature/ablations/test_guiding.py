"""How arms are guided: by their own people's portraits, inside the masks that were asked for."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from dataclasses import replace

import numpy as np
from likeness.miniature.ablations import heads
from likeness.miniature.ablations.arms import Arm, draw_arm
from likeness.miniature.ablations.guiding import Guiding
from likeness.miniature.ablations.questions import shuffle
from likeness.models.face.types import Detection
from likeness.models.omniportrait import mask_sources
from likeness.tests.miniature.ablations.small_studio import questions as questions
from likeness.tests.miniature.ablations.small_studio import renderer as renderer
from likeness.tests.miniature.ablations.small_studio import studio as studio

GUIDING = Guiding(block=1, start=5000.0)


@pytest.fixture
def faces_seen(monkeypatch):
    """Two small faces in every preview, the larger one to the right; any attention of the untrained network is a mask."""
    boxes = np.array([[70, 30, 110, 80], [20, 30, 50, 70]], np.float32)
    found = [Detection(box, np.zeros((5, 2), np.float32), 0.9) for box in boxes]
    monkeypatch.setattr(heads, "find_faces", lambda finder, picture, score: found)
    monkeypatch.setattr(mask_sources, "is_credible", lambda mask, cross: True)


@pytest.mark.parametrize("where", ["head", "face", "word", "beside"])
@pytest.mark.parametrize("people", [1, 2])
def test_guided_arms_differ_from_unguided_ones_and_from_each_other(renderer, questions, faces_seen, people, where):
    asked, guiding = questions[people], replace(GUIDING, where=where)
    ways = (None, guiding, replace(guiding, keeps_background=False), replace(guiding, together=True))
    plain, own, everywhere, together = (draw_arm(renderer, Arm(name="an arm", guiding=way), asked) for way in ways)
    assert plain.likeness.isnan().all()
    for drawn in (own, everywhere, together):
        assert ((drawn.likeness >= 0) & (drawn.likeness <= 1)).all()
        assert not torch.allclose(drawn.latents, plain.latents, atol=1e-3)
    assert not torch.allclose(own.latents, everywhere.latents, atol=1e-3)
    assert torch.equal(own.latents, together.latents) == (people == 1)


def test_masks_differ_by_who_finds_them(renderer, questions, faces_seen):
    drawn = [
        draw_arm(renderer, Arm(name="an arm", guiding=replace(GUIDING, where=where)), questions[1]).latents
        for where in ("head", "face", "word", "beside")
    ]
    for place, latents in enumerate(drawn):
        assert not any(torch.allclose(latents, other, atol=1e-3) for other in drawn[:place])


def test_everybody_is_guided_by_their_own_portrait(renderer, questions):
    asked, guided = questions[1], Arm(name="an arm", guiding=GUIDING)
    mine = draw_arm(renderer, guided, asked)
    theirs = draw_arm(renderer, replace(guided, is_shuffled=True), asked)
    assert not torch.allclose(mine.latents, theirs.latents, atol=1e-3)
    moved = shuffle(asked)
    assert torch.equal(draw_arm(renderer, guided, moved).latents, theirs.latents)


def test_a_guidance_without_strength_changes_no_bit(renderer, questions):
    asked = questions[1]
    plain = draw_arm(renderer, Arm(name="plain"), asked)
    idle = draw_arm(renderer, Arm(name="idle", guiding=replace(GUIDING, strength=0.0)), asked)
    assert torch.equal(plain.latents, idle.latents)


def test_the_strength_counts_as_its_mode_says(renderer, questions, faces_seen):
    """Of one number each mode makes another move; the paper's mean is weaker than its sum of many points."""
    plain = draw_arm(renderer, Arm(name="an arm"), questions[1]).latents
    moved = []
    for mode in ("relative", "paper_mean", "paper_sum"):
        drawn = draw_arm(renderer, Arm(name="an arm", guiding=replace(GUIDING, mode=mode, strength=8.5)), questions[1])
        moved.append(float((drawn.latents - plain).abs().mean()))
    assert len(set(moved)) == 3
    assert min(moved) > 0
