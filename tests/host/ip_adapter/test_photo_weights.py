"""FaceID Portrait joins photos at every layer: weights in both hosts, with people everywhere and in masks."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from likeness.models.adapters.identity_attention import people_residual
from likeness.models.ip_adapter.encode import Looking, encode_people
from likeness.models.people.person import People
from likeness.models.placement.placements import Everywhere
from likeness.models.port.attention import Polarity
from likeness.tests.host.test_hosts_agree import WHOLE, in_comfyui, in_diffusers, inputs, twin
from likeness.tests.people import someone

pytestmark = pytest.mark.comfy

POLARITIES = (Polarity.NEGATIVE, Polarity.POSITIVE)


def person_of(*weights, seed=0):
    """Somebody with a photo for each weight; None is a photo that is not there."""
    one = someone("Ann", seed, photos=len(weights))
    photos = tuple(
        replace(photo, weight=weight) for photo, weight in zip(one.photos, weights, strict=True) if weight is not None
    )
    return replace(one, photos=photos)


@pytest.fixture
def draw(tiny_model, ip_adapter):
    """Both hosts: people's weights to what the UNet gives."""
    model, loaded = tiny_model(), ip_adapter("portrait")

    def run(person, host):
        encoded = encode_people([person], loaded.encoders, loaded.adapter, Looking())
        residual = people_residual(loaded.adapter.attention, [person], encoded, Everywhere(1), strength=1.0)
        x, text = inputs(2, (16, 16))
        if host == "comfyui":
            return in_comfyui(model, residual, x, text, POLARITIES)
        return in_diffusers(twin(model, "sd15"), residual, x, text, POLARITIES)

    return run


@pytest.mark.parametrize("host", ["comfyui", "diffusers"])
def test_a_photo_of_weight_0_is_left_out_and_alike_is_as_none_to_the_bit(draw, host):
    assert torch.equal(draw(person_of(1.0, 0.0, 1.0), host), draw(person_of(1.0, None, 1.0), host))
    assert torch.equal(draw(person_of(0.3, 0.0, 0.0), host), draw(person_of(1.0, None, None), host))
    plain = draw(person_of(1.0, 1.0, 1.0), host)
    assert torch.equal(draw(person_of(0.3, 0.3, 0.3), host), plain)
    assert not torch.allclose(draw(person_of(1.0, 0.1, 1.0), host), plain, atol=1e-5)


def test_both_hosts_weigh_alike(draw):
    person = person_of(1.0, 0.1, 0.6)
    torch.testing.assert_close(draw(person, "comfyui"), draw(person, "diffusers"), atol=WHOLE, rtol=0)


def masked(*people):
    left = torch.zeros(1, 128, 128)
    left[:, :, :64] = 1
    masks = (left, 1 - left)
    return People(tuple(replace(one, mask=mask) for one, mask in zip(people, masks, strict=False)))


@pytest.mark.parametrize("soft", [1.0, 0.7], ids=["hard masks", "soft masks"])
def test_a_sampled_picture_follows_the_weights_and_not_a_photo_that_is_left_out(tiny_model, ip_adapter, sample, soft):
    """Two people in masks: a softmax over both with a mask, or one for each."""
    from likeness.host.ip_adapter.application import apply

    def latent(*weights):
        people = masked(person_of(*weights), replace(person_of(1.0, seed=5), name="Ben"))
        people = People(tuple(replace(one, mask=one.mask * soft) for one in people))
        return sample(apply(tiny_model(), ip_adapter("portrait"), people).model)

    weighed, without, plain = latent(1.0, 0.2), latent(1.0, None), latent(1.0, 1.0)
    assert torch.equal(latent(1.0, 0.0), without)
    assert torch.equal(latent(0.3, 0.3), plain)
    assert not torch.allclose(weighed, plain, atol=1e-5)
    assert not torch.allclose(weighed, without, atol=1e-5)
