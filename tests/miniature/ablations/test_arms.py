"""Arms of the experiments: drawn as the studio draws, guided by portraits of their own people, and kept."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.miniature.ablations import arms as module
from likeness.miniature.ablations.arms import Arm, draw_arm
from likeness.miniature.ablations.guiding import Guiding
from likeness.miniature.ablations.localisation import questioned_people
from likeness.miniature.recipe.pivot_people import noun_rows
from likeness.miniature.recipe.steps.omniportrait import CONFIG, new_pivot
from likeness.miniature.studio.drawing import Settings, decode, draw_latents
from likeness.miniature.studio.pivots import Pivots, pivots_in
from likeness.miniature.studio.studio import Shot, Studio
from likeness.models.adapters.identity_attention import EncodedPeople
from likeness.models.omniportrait.checkpoint import OmniPortraitAdapter
from likeness.models.omniportrait.image_encoder import PivotImageEncoder
from likeness.models.people.person import People
from likeness.models.uniportrait.encode import ReferenceFeatures, embed_features
from likeness.tests.miniature.ablations.small_studio import COUNT, FEW
from likeness.tests.miniature.ablations.small_studio import questions as questions
from likeness.tests.miniature.ablations.small_studio import renderer as renderer
from likeness.tests.miniature.ablations.small_studio import studio as studio
from likeness.tests.people import crowd
from torch import nn
from torch.nn.functional import normalize

SCALE = 0.6
HALVES = tuple(torch.eye(2)[:, None, None].repeat_interleave(8, -1))  # the left one is the first person's
GUIDING = Guiding(block=1, start=5000.0)


def draw(renderer, arm, questions):
    drawn = draw_arm(renderer, arm, questions)
    return drawn.pictures(renderer.base), drawn.entropy


def arm(studio, **settings):
    return Arm(name="an arm", adapter=studio.adapter, structure_scale=SCALE, **settings)


def encoded(studio, questions, row):
    """The people of a question as the studio would have read them from portraits."""
    people = zip(questions.intrinsic[row], questions.structure[row], strict=True)
    features = [ReferenceFeatures(intrinsic=each[None], structure=structure[None]) for each, structure in people]
    tokens = [embed_features(studio.adapter.id_embedding, each, SCALE) for each in features]
    null = embed_features(studio.adapter.id_embedding, studio.faces.nobody(), SCALE)
    return EncodedPeople(tokens=torch.cat(tokens), null_tokens=null)


@pytest.mark.parametrize("rows", [16, 2], ids=["together", "in parts"])
@pytest.mark.parametrize("people", [1, 2])
def test_an_arm_draws_every_question_as_the_studio_would(studio, renderer, questions, monkeypatch, people, rows):
    renderer = replace(renderer, rows=rows)
    asked = questions[people]
    pictures, _ = draw(renderer, arm(studio), asked)
    plain, _ = draw(renderer, Arm(name="plain"), asked)
    assert (pictures - plain).abs().amax((1, 2, 3)).min() > 0.01
    for row, caption in enumerate(asked.scene.captions):
        with monkeypatch.context() as patched:
            tokens_of_row = encoded(studio, asked, row)
            patched.setattr(Studio, "people", lambda self, shot: crowd(len(shot.references)))
            patched.setattr(Studio, "encode", lambda self, people, scale, given=tokens_of_row: given)
            portraits = tuple(asked.references[row])  # only their number counts here
            noise = asked.noise[row : row + 1]
            shot = Shot(prompt=caption.text, noise=noise, references=portraits, structure_scale=SCALE)
            latents, _ = studio.draw(shot, FEW)
        torch.testing.assert_close(pictures[row : row + 1], decode(studio.base, latents), atol=1e-4, rtol=0)


@pytest.mark.parametrize("choice", ["argmax", "halves", "equal parts"])
@pytest.mark.parametrize("people", [1, 2])
def test_faceid_is_drawn_as_the_studio_would_draw_it(studio, renderer, questions, monkeypatch, people, choice):
    asked = questions[people]
    given = {"masks": HALVES[:people]} if choice == "halves" and people > 1 else {"is_routed": choice == "argmax"}
    pictures, _ = draw(renderer, arm(studio, faceid=studio.ip_adapter, choice=choice), asked)
    plain, _ = draw(renderer, Arm(name="plain"), asked)
    assert (pictures - plain).abs().amax((1, 2, 3)).min() > 0.01
    for row, caption in enumerate(asked.scene.captions):
        with monkeypatch.context() as patched:
            tokens, masks = encoded(studio, asked, row), given.get("masks", (None,) * people)
            means = normalize(asked.intrinsic[row].mean(1), dim=-1)
            faces = EncodedPeople(
                tokens=studio.ip_adapter.projection(means), null_tokens=studio.ip_adapter.projection.null()
            )
            everywhere = torch.ones(1, 8, 8) if choice == "equal parts" and people > 1 else None
            chain = masked(people, [everywhere] * people if everywhere is not None else masks)
            patched.setattr(Studio, "people", lambda self, shot, chain=chain: chain)
            patched.setattr(Studio, "encode", lambda self, people, scale, tokens=tokens: tokens)
            patched.setattr(Studio, "encode_faces", lambda self, people, faces=faces: faces)
            shot = Shot(
                prompt=caption.text,
                noise=asked.noise[row : row + 1],
                references=tuple(asked.references[row]),
                method="IP-Adapter",
            )
            latents, _ = studio.draw(shot, FEW)
        torch.testing.assert_close(pictures[row : row + 1], decode(studio.base, latents), atol=1e-4, rtol=0)


def masked(count, masks):
    """So many people, each inside a mask or anywhere."""
    return People(tuple(replace(person, mask=mask) for person, mask in zip(crowd(count).people, masks, strict=True)))


def test_faceid_needs_no_uniportrait_where_no_router_is_asked(studio, renderer, questions):
    asked = questions[2]
    for choice in ("everybody", "halves", "equal parts"):
        alone, beside = (
            draw(renderer, Arm(name="an arm", adapter=adapter, faceid=studio.ip_adapter, choice=choice), asked)[0]
            for adapter in (None, studio.adapter)
        )
        torch.testing.assert_close(alone, beside, atol=1e-4, rtol=0)


def test_without_an_adapter_the_base_draws_alone(studio, renderer, questions):
    asked = questions[1]
    pictures, entropy = draw(renderer, Arm(name="plain"), asked)
    prompts = [caption.text for caption in asked.scene.captions]
    assert torch.equal(pictures, decode(studio.base, draw_latents(studio.base, prompts, asked.noise, FEW)))
    assert math.isnan(entropy)


def test_arms_differ_by_choice_structure_and_what_is_done_to_features(studio, renderer, questions):
    asked = questions[2]
    drawn = [
        draw(renderer, each, asked)
        for each in (
            arm(studio),
            arm(studio, choice="softmax"),
            arm(studio, choice="everybody"),
            arm(studio, sees_means=True),
            arm(studio, is_shuffled=True),
            replace(arm(studio), structure_scale=0.0),
            arm(studio, faceid=studio.ip_adapter),
            arm(studio, faceid=studio.ip_adapter, is_shuffled=True),
        )
    ]
    for place, (pictures, entropy) in enumerate(drawn):
        assert all((pictures - other).abs().max() > 1e-3 for other, _ in drawn[:place])
        assert math.isnan(entropy) if place == 2 else 0 < entropy < math.log(2)


@pytest.fixture(scope="module")
def pivot(studio):
    torch.manual_seed(0)
    fusion = new_pivot(studio.base, seed=0).requires_grad_(False)
    nn.init.normal_(fusion.fusion.weight)
    encoder = PivotImageEncoder(CONFIG).requires_grad_(False).eval()
    return OmniPortraitAdapter(pivot=fusion, image_encoder=encoder, config=CONFIG, context_dim=fusion.text_width)


@pytest.mark.parametrize("people", [1, 2])
def test_a_pivot_puts_everybody_into_the_row_of_their_noun(studio, renderer, questions, pivot, people):
    asked = questions[people]
    own = draw_arm(renderer, Arm(name="an arm", pivot=pivot, pivot_strength=1.0), asked)
    plain = draw_arm(renderer, Arm(name="an arm"), asked)
    assert (own.latents - plain.latents).abs().amax((1, 2, 3)).min() > 1e-3
    weaker = draw_arm(renderer, Arm(name="an arm", pivot=pivot, pivot_strength=0.5), asked)
    assert (own.latents - weaker.latents).abs().amax((1, 2, 3)).min() > 1e-3
    captions = asked.scene.captions
    faces = torch.stack([pivot.image_encoder(crops) for crops in asked.crops])
    with pivots_in(studio.base, Pivots(pivot=pivot.pivot, faces=faces, rows=noun_rows(captions))):
        expected = draw_latents(studio.base, [caption.text for caption in captions], asked.noise, FEW)
    torch.testing.assert_close(
        own.latents, expected, atol=5e-4, rtol=0
    )  # a busy machine adds up in another order: 1e-4


def test_the_pivot_of_an_arm_is_guided_and_shuffled_with_its_portraits(renderer, questions, pivot):
    asked, own = questions[1], Arm(name="an arm", pivot=pivot)
    drawn = [draw_arm(renderer, each, asked).latents for each in (own, replace(own, guiding=GUIDING))]
    assert not torch.allclose(draw_arm(renderer, replace(own, pivot_strength=0.5), asked).latents, drawn[0], atol=1e-3)
    drawn.append(draw_arm(renderer, replace(own, is_shuffled=True), asked).latents)
    assert not torch.allclose(drawn[0], drawn[1], atol=1e-3)
    assert not torch.allclose(drawn[0], drawn[2], atol=1e-3)
    assert not torch.allclose(
        drawn[1], draw_arm(renderer, Arm(name="an arm", guiding=GUIDING), asked).latents, atol=1e-3
    )


def test_crops_for_the_pivot_are_those_of_its_own_experiment(studio, questions):
    people = questioned_people(studio.base, COUNT).rows_as_they_are(studio.base, range(COUNT))
    assert torch.equal(questions[1].crops, people.crops)


def test_what_was_drawn_is_kept_and_drawn_again_only_if_something_else_is_asked(
    studio, renderer, questions, monkeypatch
):
    renderer = replace(renderer, rows=2)
    asked, first = questions[1], arm(studio, guiding=GUIDING)
    calls = []
    draw_part = module.draw_latents

    def watched(base, prompts, *given, **settings):
        calls.append(len(prompts))
        return draw_part(base, prompts, *given, **settings)

    monkeypatch.setattr(module, "draw_latents", watched)
    drawn = draw_arm(renderer, first, asked)
    assert calls == [2, 1]
    again = draw_arm(renderer, replace(first, name="another name"), asked)
    assert calls == [2, 1]
    assert torch.equal(drawn.latents, again.latents)
    assert torch.equal(drawn.likeness, again.likeness)
    assert len(draw_arm(renderer, replace(first, pictures=2), asked).latents) == 2
    draw_arm(renderer, first, replace(asked, intrinsic=asked.intrinsic * (1 + 1e-6)))  # as other threads would round
    assert calls == [2, 1]
    draw_arm(renderer, first, replace(asked, described_by="other networks"))
    assert calls == [2, 1] * 2
    for other in (
        replace(first, structure_scale=0.1),
        replace(first, guiding=None),
        replace(first, guiding=replace(GUIDING, strength=0.5)),
        replace(first, is_shuffled=True),
        replace(first, adapter=None),
        replace(first, faceid=studio.ip_adapter),
        replace(first, choice="halves"),
    ):
        calls.clear()
        draw_arm(renderer, other, asked)
        assert calls == [2, 1]
    draw_arm(replace(renderer, settings=Settings(steps=1)), first, asked)
    assert len(calls) == 4
