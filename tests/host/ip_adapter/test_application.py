"""Applying an IP-Adapter to a MODEL: people, pictures and both, on SD1.5 and SDXL."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from likeness.models.errors import IncompatibleBaseModelError, InvalidSettingError
from likeness.models.ip_adapter.encode import Looking
from likeness.models.ip_adapter.encoders import IPAdapterEncoders
from likeness.models.people.person import People
from likeness.tests.host.ip_adapter.conftest import FACES, PROJECTIONS, SEEN

pytestmark = pytest.mark.comfy

NOBODY = People()


@pytest.fixture
def apply(tiny_model, ip_adapter):
    from likeness.host.ip_adapter.application import Pictures, apply

    def run(network, people=NOBODY, *, kind="sd15", model=None, picture=None, loaded=None, given=None, **settings):
        how = settings.pop("how", {})
        pictures = given if picture is None else Pictures(pictures=picture, **how)
        return apply(
            model or tiny_model(kind), loaded or ip_adapter(network, kind), people, pictures=pictures, **settings
        )

    return run


@pytest.fixture
def picture():
    return torch.rand(1, 40, 60, 3, generator=torch.Generator().manual_seed(9))


def halves():
    left = torch.zeros(1, 128, 128)
    left[:, :, :64] = 1
    return left, 1 - left


def placed(chain):
    return People(tuple(replace(person, mask=mask) for person, mask in zip(chain, halves(), strict=True)))


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
@pytest.mark.parametrize("network", PROJECTIONS)
def test_every_kind_acts_on_both_base_models(network, kind, apply, chain, picture, tiny_model, sample):
    model = tiny_model(kind)
    given = {"people": chain(1)} if network in FACES else {"picture": picture}
    applied = apply(network, model=model, kind=kind, **given)
    latent = sample(applied.model)
    assert applied.is_applied
    assert latent.isfinite().all()
    assert not torch.equal(latent, sample(model))


def test_a_person_may_be_followed_by_an_adapter_of_pictures(apply, chain, sample):
    one, other = (sample(apply("plus", chain(1, seed=seed)).model) for seed in (0, 1))
    assert not torch.equal(one, other)


def test_people_and_a_picture_go_together(apply, chain, picture, sample):
    people, pictures, both = (
        sample(apply("plus", **given).model)
        for given in ({"people": chain(1)}, {"picture": picture}, {"people": chain(1), "picture": picture})
    )
    assert not torch.equal(both, people)
    assert not torch.equal(both, pictures)


def test_an_embedding_acts_as_the_picture_that_it_is_of(apply, picture, ip_adapter, sample):
    from likeness.host.ip_adapter.application import Pictures
    from likeness.models.images.layout import arrays_from_images
    from likeness.models.ip_adapter.pictures import picture_pixels

    seen = ip_adapter("plain").encoders.embeddings(picture_pixels(arrays_from_images(picture)[0], "centre")[None])
    by_picture = sample(apply("plain", picture=picture).model)
    assert torch.equal(sample(apply("plain", given=Pictures(embeddings=seen)).model), by_picture)
    assert not torch.equal(sample(apply("plain", given=Pictures(embeddings=-seen)).model), by_picture)


def test_an_embedding_needs_no_image_encoder(apply, ip_adapter):
    from likeness.host.ip_adapter.application import Pictures

    blind = replace(ip_adapter("plain"), encoders=IPAdapterEncoders())
    assert apply("plain", loaded=blind, given=Pictures(embeddings=torch.ones(1, SEEN))).is_applied


def test_a_picture_or_an_embedding_is_followed_not_both_or_neither(picture):
    from likeness.host.ip_adapter.application import Pictures

    with pytest.raises(InvalidSettingError, match="both are connected"):
        Pictures(pictures=picture, embeddings=torch.ones(1, SEEN))
    with pytest.raises(InvalidSettingError, match="neither is connected"):
        Pictures()


def test_nobody_and_nothing_is_a_plain_clone(apply, chain, picture, tiny_model, sample):
    model = tiny_model()
    plain = sample(model)
    for given in (
        {"people": chain(1, strength=0.0)},
        {"people": chain(2, start_percent=0.6, end_percent=0.6)},
        {},
    ):
        applied = apply("faceid", model=model, **given)
        assert not applied.is_applied
        assert applied.model.patches == {}
        assert torch.equal(sample(applied.model), plain)
    for how in ({"strength": 0.0}, {"start_percent": 0.5, "end_percent": 0.5}):
        applied = apply("plus", model=model, picture=picture, how=how)
        assert not applied.is_applied
        assert torch.equal(sample(applied.model), plain)


def test_the_lora_comes_with_faces_and_has_its_own_strength(apply, chain, ip_adapter):
    key = "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight"
    patched = apply("faceid", chain(1)).model
    assert len(patched.patches) == 128
    assert torch.equal(patched.patches[key][0][1].weights[0], ip_adapter("faceid").adapter.lora[0]["q"][1])
    assert apply("faceid", chain(1), lora_strength=0.0).model.patches == {}
    assert apply("portrait", chain(1)).model.patches == {}


def test_people_stay_in_their_places(apply, chain, sample):
    from likeness.host.sampling.runs import find_placement_maps

    patched = apply("faceid", placed(chain(2))).model
    maps = find_placement_maps(patched, sample(patched)).maps[0]
    assert maps[0, :, :4].min() > 0.99
    assert maps[1, :, -4:].min() > 0.99


def test_people_who_would_blend_are_refused(apply, chain):
    with pytest.raises(InvalidSettingError, match="2 of 2 people have no mask"):
        apply("faceid", chain(2))


def test_uniportrait_s_router_places_the_faces_of_another_adapter(apply, chain, adapter, sample):
    """UniPortrait's Table 2: IP-Adapter FaceID with its router."""
    from likeness.host.placement import LoadedPlacement
    from likeness.host.sampling.runs import find_placement_maps
    from likeness.host.uniportrait.adapter import UniPortraitRouter

    where = LoadedPlacement("router", UniPortraitRouter(adapter, -1.0))
    patched = apply("faceid", chain(2), where=where).model
    maps = find_placement_maps(patched, sample(patched)).maps[0]
    torch.testing.assert_close(maps.sum(0), torch.ones(16, 16))
    assert 0 < float(maps[0].mean()) < 1
    with pytest.raises(IncompatibleBaseModelError, match="70"):
        apply("faceid", chain(2), kind="sdxl", where=where)


def test_a_picture_acts_inside_its_mask_and_its_window(apply, picture, tiny_model, sample):
    model = tiny_model()
    plain = sample(model)
    nowhere = apply("plus", model=model, picture=picture, how={"mask": torch.zeros(1, 64, 64)}).model
    torch.testing.assert_close(sample(nowhere), plain, atol=1e-5, rtol=1e-5)
    whole = sample(apply("plus", model=model, picture=picture).model)
    late = sample(apply("plus", model=model, picture=picture, how={"start_percent": 0.5}).model)
    assert not torch.equal(late, whole)
    assert not torch.equal(late, plain)


def test_blocks_may_be_left_alone(apply, picture, tiny_model, sample):
    model = tiny_model()
    plain, whole = sample(model), sample(apply("plus", model=model, picture=picture).model)
    nothing = apply("plus", model=model, picture=picture, blocks=(0.0,) * 16).model
    torch.testing.assert_close(sample(nothing), plain, atol=0, rtol=0)
    torch.testing.assert_close(sample(apply("plus", model=model, picture=picture, blocks=(1.0,) * 16).model), whole)
    style = sample(apply("plus", model=model, picture=picture, blocks="style transfer").model)
    assert not torch.equal(style, whole)
    with pytest.raises(InvalidSettingError, match="3 block weights are given"):
        apply("plus", model=model, picture=picture, blocks=(1.0,) * 3)


@pytest.mark.parametrize("scaling", ["K+V", "K+V w/ C penalty", "K+mean(V) w/ C penalty"])
def test_the_strength_may_scale_keys_and_values(scaling, apply, picture, sample):
    plain = sample(apply("plus", picture=picture, how={"strength": 0.5}).model)
    scaled = sample(apply("plus", picture=picture, how={"strength": 0.5, "scaling": scaling}).model)
    assert scaled.isfinite().all()
    assert not torch.equal(scaled, plain)


def test_the_negative_side_sees_what_is_asked_for(apply, picture, sample):
    found = [
        sample(apply("plus", picture=picture, looking=looking).model)
        for looking in (Looking(), Looking(negative="black"))
    ]
    assert not torch.equal(*found)


def test_an_adapter_of_faces_takes_no_picture(apply, picture):
    with pytest.raises(InvalidSettingError, match="reads faces and no pictures"):
        apply("faceid", picture=picture)


@pytest.mark.parametrize(("network", "kind", "other"), [("faceid", "sd15", "sdxl"), ("faceid", "sdxl", "sd15")])
def test_a_base_of_another_architecture_is_refused(network, kind, other, apply, chain, tiny_model):
    with pytest.raises(IncompatibleBaseModelError, match="This IP-Adapter adapter fits a UNet"):
        apply(network, chain(1), kind=kind, model=tiny_model(other))


def test_an_empty_mask_is_refused(apply, picture):
    with pytest.raises(InvalidSettingError, match="mask of the picture"):
        apply("plus", picture=picture, how={"mask": torch.full((1, 8, 8), torch.nan)})


def test_requeue_bypass_and_enable_again(apply, chain, tiny_model, sample):
    model = tiny_model()
    plain = sample(model)
    first = sample(apply("faceid", chain(1), model=model).model)
    assert torch.equal(sample(apply("faceid", chain(1), model=model).model), first)
    assert torch.equal(sample(model), plain)
    assert torch.equal(sample(apply("faceid", chain(1), model=model).model), first)
