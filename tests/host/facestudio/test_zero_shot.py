"""FaceStudio from two IP-Adapters on a MODEL."""

# pyright: reportUnusedImport=false

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.people.person import People
from likeness.tests.host.ip_adapter.conftest import SEEN, ip_adapter, ip_adapter_weights  # noqa: F401

pytestmark = pytest.mark.comfy

NOBODY = People()


@pytest.fixture
def zero_shot(ip_adapter):  # noqa: F811
    from likeness.host.facestudio.zero_shot import ZeroShotFaceStudio

    def build(face="faceid", kind="sd15", **settings):
        found = None if face is None else ip_adapter(face, kind)
        return ZeroShotFaceStudio(style=ip_adapter("plain", kind), face=found, **settings)

    return build


@pytest.fixture
def apply(tiny_model, zero_shot, style, conditioning):
    from likeness.host.facestudio.method import Asked

    def run(people=NOBODY, *, kind="sd15", model=None, loaded=None, **asked):
        given = {"style": style(width=SEEN, name=""), "positive": conditioning(1), "negative": conditioning(2), **asked}
        return (loaded or zero_shot(kind=kind)).apply(model or tiny_model(kind), Asked(people=people, **given))

    return run


@pytest.fixture
def draw(sample):
    return lambda applied, **settings: sample(
        applied.model, positive=applied.positive, negative=applied.negative, **settings
    )


def thirds(chain):
    masks = torch.zeros(2, 1, 9, 9)
    masks[0, ..., :3] = 1
    masks[1, ..., 6:] = 1
    return People(tuple(replace(person, mask=mask) for person, mask in zip(chain, masks, strict=True)))


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
@pytest.mark.parametrize("face", ["faceid", "faceid plus"])
def test_style_and_faces_act_on_both_base_models(
    apply, zero_shot, draw, chain, tiny_model, sample, conditioning, kind, face
):
    model = tiny_model(kind)
    plain = sample(model, positive=conditioning(1), negative=conditioning(2))
    loaded = zero_shot(face, kind)
    styled, both = (draw(apply(people, kind=kind, model=model, loaded=loaded)) for people in (NOBODY, chain(1)))
    assert both.isfinite().all()
    assert not torch.equal(styled, plain)
    assert not torch.equal(both, styled)
    assert torch.equal(sample(model, positive=conditioning(1), negative=conditioning(2)), plain)


def test_it_is_the_two_adapters_one_after_the_other(
    apply, draw, chain, zero_shot, tiny_model, style, sample, conditioning
):
    from likeness.host.ip_adapter.application import Pictures
    from likeness.host.ip_adapter.application import apply as apply_ip_adapter

    pictures = Pictures(embeddings=style(width=SEEN).embedding, strength=0.6)
    styled = apply_ip_adapter(tiny_model(), zero_shot().style, NOBODY, pictures=pictures).model
    both = apply_ip_adapter(styled, zero_shot().face, chain(1), strength=0.8).model
    wanted = sample(both, positive=conditioning(1), negative=conditioning(2))
    torch.testing.assert_close(draw(apply(chain(1))), wanted, rtol=0, atol=1e-6)


def test_prompts_are_handed_through_and_must_be_there(apply, conditioning):
    positive = conditioning(5)
    assert apply(positive=positive).positive is positive
    with pytest.raises(InvalidSettingError, match="connect positive and negative"):
        apply(negative=None)


def test_alpha_blends_before_the_projection(apply, draw, style):
    picture, text = style(width=SEEN), style("text", 4, width=SEEN)
    mixed = replace(picture, embedding=0.3 * picture.embedding + 0.7 * text.embedding)
    torch.testing.assert_close(
        draw(apply(style=picture, text=text, alpha=0.3)), draw(apply(style=mixed)), rtol=0, atol=1e-6
    )


def test_mixing_happens_on_the_vectors(apply, draw, chain):
    """The length of a mixed vector matters, and two parts of one person are that person."""
    two = chain(2)
    mixed = People((two[0],)).mix_into_last(two[1], 0.4)
    unit, literal = (draw(apply(mixed, mixing=mixing)) for mixing in ("unit length", "literal"))
    assert not torch.equal(unit, literal)
    same = People((two[0],)).mix_into_last(two[0], 0.4)
    torch.testing.assert_close(draw(apply(same)), draw(apply(chain(1))), rtol=0, atol=1e-3)


@pytest.mark.parametrize("background", ["mean", "random", "nearest"])
def test_backgrounds_lend_the_places_of_nobody(apply, draw, chain, background):
    people = thirds(chain(2))
    assert not torch.equal(draw(apply(people)), draw(apply(people, background=background)))


def test_people_without_a_face_adapter_are_refused(apply, zero_shot, chain):
    assert apply(loaded=zero_shot(None)).is_applied
    with pytest.raises(InvalidSettingError, match="has no face_adapter"):
        apply(chain(1), loaded=zero_shot(None))


def test_a_negative_text_belongs_into_the_negative_prompt(apply, style):
    with pytest.raises(InvalidSettingError, match="has a negative prompt"):
        apply(negative_text=style("text", width=SEEN))


def test_adapters_of_another_kind_are_refused(ip_adapter):  # noqa: F811
    from likeness.host.facestudio.zero_shot import ZeroShotFaceStudio

    with pytest.raises(InvalidSettingError, match="style_adapter is Plus"):
        ZeroShotFaceStudio(style=ip_adapter("plus"))
    with pytest.raises(InvalidSettingError, match="face_adapter is FaceID Portrait"):
        ZeroShotFaceStudio(style=ip_adapter("plain"), face=ip_adapter("portrait"))
    with pytest.raises(InvalidSettingError, match="different base models"):
        ZeroShotFaceStudio(style=ip_adapter("plain"), face=ip_adapter("faceid", "sdxl"))
    with pytest.raises(InvalidSettingError, match="face_strength is 3"):
        ZeroShotFaceStudio(style=ip_adapter("plain"), face_strength=3)


def test_strength_zero_is_the_plain_model(apply, draw, zero_shot, chain, tiny_model, sample, conditioning):
    off = zero_shot(style_strength=0.0, lora_strength=0.0)
    plain = sample(tiny_model(), positive=conditioning(1), negative=conditioning(2))
    assert torch.equal(draw(apply(chain(1), loaded=off, strength=0.0)), plain)
    assert torch.equal(draw(apply(loaded=off)), plain)
