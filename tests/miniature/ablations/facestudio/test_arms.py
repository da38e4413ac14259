"""Arms of FaceStudio's experiments: what they show, and that it is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.ablations.facestudio import arms as module
from likeness.miniature.ablations.facestudio.arms import StyledArm, draw_arm, other_people, shown_faces
from likeness.miniature.studio.facestudio import Guidance, draw_trained
from likeness.models.facestudio.hybrid import blend, mix
from likeness.models.facestudio.places import MaskedRegions
from likeness.tests.miniature.ablations.facestudio.small_styled import COUNT, FEW
from likeness.tests.miniature.ablations.facestudio.small_styled import networks as networks
from likeness.tests.miniature.ablations.facestudio.small_styled import questions as questions
from likeness.tests.miniature.ablations.facestudio.small_styled import renderer as renderer
from likeness.tests.miniature.ablations.facestudio.small_styled import weights as weights

BITS = {"atol": 1e-3, "rtol": 1e-3}  # batches are cut in other places


def test_an_arm_draws_its_blend_of_text_and_picture(renderer, networks, questions):
    asked = questions[1]
    drawn = draw_arm(renderer, StyledArm(name="half", brings=networks.facestudio, alpha=0.5), asked)
    guidance = Guidance(style=blend(asked.hidden, asked.said, 0.5), faces=asked.faces)
    torch.testing.assert_close(
        drawn, draw_trained(networks.base, networks.facestudio, guidance, asked.asked.noise, FEW), **BITS
    )


def test_every_arm_draws_something_else(renderer, networks, questions):
    arm, adapted = (StyledArm(name="", brings=each) for each in (networks.facestudio, networks.adapters))
    drawn = [
        draw_arm(renderer, each, questions[1])
        for each in (
            arm,
            replace(arm, alpha=0.0),
            replace(arm, alpha=None),
            replace(arm, has_faces=False),
            replace(arm, hides=False),
            replace(arm, beta=0.5),
            replace(arm, beta=0.5, is_literal=True),
            adapted,
            replace(adapted, alpha=0.0),
            replace(adapted, has_faces=False),
        )
    ]
    for place, latents in enumerate(drawn):
        assert latents.shape == questions[1].asked.noise.shape
        assert not any(torch.allclose(latents, other) for other in drawn[:place]), place


def test_places_and_backgrounds_make_a_difference(renderer, networks, questions):
    arm = StyledArm(name="", brings=networks.facestudio, people=2, places="silhouettes")
    arms = [replace(arm, places="shared"), replace(arm, places="columns")]
    arms += [replace(arm, background=each) for each in ("none", "mean", "random", "nearest", "freeze")]
    arms += [replace(arm, brings=networks.adapters, places=each) for each in ("shared", "silhouettes")]
    drawn = [draw_arm(renderer, each, questions[2]) for each in arms]
    for place, latents in enumerate(drawn):
        assert not any(torch.allclose(latents, other) for other in drawn[:place]), place


def test_columns_divide_the_picture_and_every_picture_has_its_own_silhouettes(questions, networks):
    arm = StyledArm(name="", brings=networks.facestudio, people=2, places="columns")
    silhouettes = questions[2].asked.scene.instances
    left, right = module._placement(arm, silhouettes).masks
    assert (left + right == 1).all()
    assert left[..., :64].all()
    found = module._placement(replace(arm, places="silhouettes"), silhouettes)
    assert isinstance(found, MaskedRegions)
    assert torch.equal(torch.stack(found.masks, 1), silhouettes)
    assert module._placement(replace(arm, places="shared"), silhouettes) is None


def test_frozen_places_keep_the_true_picture(renderer, networks, questions):
    arm = StyledArm(name="", brings=networks.facestudio, people=2, places="silhouettes", background="freeze")
    asked = questions[2]
    outside = torch.nn.functional.max_pool2d(asked.asked.scene.instances.amax(1, keepdim=True), 8) == 0
    kept = outside.expand_as(asked.latents)
    assert kept.any()
    torch.testing.assert_close(draw_arm(renderer, arm, asked)[kept], asked.latents[kept])


def test_faces_are_those_of_the_portraits_mixed_or_shared(questions, networks):
    arm, asked = StyledArm(name="", brings=networks.facestudio), questions[1]
    assert torch.equal(shown_faces(arm, asked), asked.faces)
    assert not shown_faces(replace(arm, has_faces=False), asked).any()
    torch.testing.assert_close(shown_faces(replace(arm, beta=1.0), asked), other_people(asked.faces))
    literal = shown_faces(replace(arm, beta=0.25, is_literal=True), asked)
    torch.testing.assert_close(literal, 0.75 * asked.faces + 0.25 * other_people(asked.faces))
    shared = shown_faces(replace(arm, people=2), questions[2])
    assert shared.shape[1] == 1
    torch.testing.assert_close(shared[0, 0], mix(questions[2].faces[0], torch.ones(2)))
    assert torch.equal(shown_faces(replace(arm, people=2, places="columns"), questions[2]), questions[2].faces)


def test_what_was_drawn_is_kept_and_fewer_pictures_are_the_first(renderer, networks, questions, monkeypatch):
    arm = StyledArm(name="first", brings=networks.facestudio)
    drawn = draw_arm(renderer, arm, questions[1])
    monkeypatch.setattr(module, "draw_trained", None)
    assert torch.equal(draw_arm(renderer, replace(arm, name="again"), questions[1]), drawn)
    assert torch.equal(draw_arm(renderer, replace(arm, pictures=3), questions[1]), drawn[:3])
    assert len(drawn) == COUNT
    with pytest.raises(TypeError):
        draw_arm(renderer, replace(arm, alpha=0.75), questions[1])


def test_weights_are_told_apart_by_all_that_they_are(networks):
    arm = StyledArm(name="", brings=networks.facestudio)
    lora = {
        site: {part: (down * 2, up) for part, (down, up) in pairs.items()}
        for site, pairs in networks.facestudio.lora.items()
    }
    others = (replace(networks.facestudio, lora=lora), replace(networks.facestudio, lora={}), networks.adapters)
    names = {arm.weights, *(StyledArm(name="", brings=each).weights for each in others)}
    assert len(names) == 4
    assert arm.weights == replace(arm, alpha=0.5).weights
