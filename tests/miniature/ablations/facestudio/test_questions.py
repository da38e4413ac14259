"""Questions with style pictures: of somebody else, before another tint."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.ablations.facestudio.questions import say
from likeness.miniature.recipe.styles.people import style_embeddings
from likeness.miniature.world.styles import STYLES, restyle
from likeness.tests.miniature.ablations.facestudio.small_styled import COUNT, STYLE_WIDTH
from likeness.tests.miniature.ablations.facestudio.small_styled import networks as networks
from likeness.tests.miniature.ablations.facestudio.small_styled import questions as questions
from likeness.tests.miniature.ablations.facestudio.small_styled import weights as weights
from likeness.tests.miniature.small_files import FACE_WIDTH


@pytest.mark.parametrize("people", [1, 2])
def test_a_style_picture_shows_others_before_another_tint(questions, people):
    asked = questions[people]
    assert len(asked) == COUNT
    assert (asked.tints != asked.asked.scene.facts.tint).all()
    assert asked.codes.shape == asked.asked.scene.codes.shape
    assert not torch.equal(asked.codes, asked.asked.scene.codes)
    assert asked.clothing.shape == (COUNT, people)
    assert len({picture.sum().item() for picture in asked.pictures}) == COUNT


def test_faces_are_hidden_or_bare_and_of_length_one(questions, networks):
    asked = questions[1]
    assert asked.faces.shape == (COUNT, 1, FACE_WIDTH)
    torch.testing.assert_close(asked.faces.norm(dim=-1), torch.ones(COUNT, 1))
    assert asked.hidden.shape == asked.bare.shape == asked.said.shape == (COUNT, STYLE_WIDTH)
    assert not torch.allclose(asked.hidden, asked.bare)
    with torch.no_grad():
        torch.testing.assert_close(asked.bare, style_embeddings(networks.faces, asked.pictures, None))


def test_true_pictures_have_the_style_of_the_style_picture(questions):
    asked = questions[1]
    names = [STYLES[code] for code in asked.styles.tolist()]
    assert torch.equal(asked.truth, restyle(asked.asked.scene.image, names))
    assert asked.latents.shape == asked.asked.noise.shape


def test_the_prior_says_the_same_of_a_text_again_and_something_else_of_another(networks):
    texts = ["a man in a red shirt", "a woman in a blue shirt"]
    said = say(networks.base, networks.prior, texts)
    assert said.shape == (2, STYLE_WIDTH)
    assert torch.equal(said, say(networks.base, networks.prior, texts))
    torch.testing.assert_close(said[:1], say(networks.base, networks.prior, texts[:1]), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(said[1:], say(networks.base, networks.prior, [texts[0], texts[0]])[1:])
