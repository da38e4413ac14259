"""The miniature in ComfyUI and on diffusers: one file, one noise, the same latents; networks of a few channels."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.guidance import Guided
from likeness.diffusers_host.image_encoder import image_tokens
from likeness.diffusers_host.noise_levels import cpu_noise
from likeness.miniature.networks.checkpoint import read_base, write_base
from likeness.miniature.networks.untrained import new_base
from likeness.miniature.recipe.faces_file import write_face_networks
from likeness.miniature.recipe.steps.backbone import new_backbone
from likeness.miniature.recipe.steps.image_encoder import new_image_encoder
from likeness.miniature.studio.drawing import Settings, decode, draw_latents
from likeness.models.adapters.identity_attention import people_residual
from likeness.models.errors import UnknownCheckpointError
from likeness.models.miniature.files import CLIP, read_base_file, read_face_networks
from likeness.models.miniature.finder import FaceFinder
from likeness.models.miniature.parser import MiniatureParser
from likeness.models.miniature.sizes import BaseSizes
from likeness.models.omniportrait.guidance_settings import GuidanceSettings
from likeness.models.omniportrait.guided_person import GuidedPerson, ReferencePicture
from likeness.models.omniportrait.reference_guidance import ReferenceGuidance
from likeness.models.placement.windows import SigmaWindow
from likeness.models.port.guidance import FeatureCapture
from likeness.models.uniportrait.application import lora_for, placement_of
from likeness.models.uniportrait.checkpoint import load
from likeness.models.uniportrait.encode import ReferenceFeatures, UniPortraitEncoders, encode_people
from likeness.tests.people import PixelMaps, PixelTokens, crowd
from likeness.training.uniportrait.networks import faceid_weights, new_networks, new_routers, router_weights
from torch import nn

pytestmark = pytest.mark.comfy

SIZES = BaseSizes(unet=(32, 64), vae=(16, 16), latent_channels=4, text=16, text_layers=1, text_heads=1)
PROMPT, SEED, SCALE = "a man in a red shirt and a woman in blue, in front of dots", 5, 0.3
SETTINGS = Settings(steps=8, guidance=3.0)
ALIKE = 1e-3  # of latents of spread 1
GUIDED = 5e-3  # a gradient follows a router's choices, which the last bits may turn


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("miniature") / "base.safetensors"
    write_base(path, new_base(SIZES, seed=3), SIZES, metadata={})
    return path


@pytest.fixture(scope="module")
def base(path):
    return read_base(path)


@pytest.fixture(scope="module")
def adapter(base):
    """Both stages, with a LoRA that does something."""
    like = ReferenceFeatures(intrinsic=torch.zeros(1, 3, 6), structure=torch.zeros(1, 5, 10))
    networks = new_networks(base.unet, like, rank=2, seed=0)
    networks.routers = new_routers(networks, seed=1)
    for parameter in networks.lora.parameters():
        nn.init.normal_(parameter, std=0.2, generator=torch.Generator().manual_seed(parameter.numel()))
    return load(faceid_weights(networks), router_weights(networks))


ENCODERS = UniPortraitEncoders(clip=PixelTokens(4), backbone=PixelMaps((2, 2, 2, 6)))


def guidance(*references, mask):
    """One person with a fixed mask, guided from half of the noise levels on."""
    person = GuidedPerson(name="Ann", references=references, mask=mask)
    settings = GuidanceSettings(strength=2.0, window=SigmaWindow(20.0), seeds=2)
    return ReferenceGuidance(people=(person,), settings=settings, capture=FeatureCapture(1))


def in_comfyui(path, people, adapter, guided_by=None):
    """Latents as the UNet takes them, and the picture."""
    from likeness.host.guidance.attach import guide
    from likeness.host.miniature import _clip, _model, _vae
    from likeness.host.uniportrait.adapter import new_uniportrait
    from likeness.host.uniportrait.application import apply

    import nodes

    weights, sizes = read_base_file(path)
    model, clip, vae = (build(weights, sizes) for build in (_model, _clip, _vae))
    uniportrait = replace(new_uniportrait(adapter, ENCODERS.backbone), clip=ENCODERS.clip)
    model = apply(model, uniportrait, people, structure_scale=SCALE, strength=1.0).model
    if guided_by is not None:
        model = guide(model, guided_by)
    positive, negative = (clip.encode_from_tokens_scheduled(clip.tokenize(text)) for text in (PROMPT, ""))
    empty = {"samples": torch.zeros(1, 4, 16, 16)}
    [latent] = nodes.KSampler().sample(
        model, SEED, SETTINGS.steps, SETTINGS.guidance, "euler", "simple", positive, negative, empty
    )
    return latent["samples"] * model.model.latent_format.scale_factor, vae.decode(latent["samples"]).movedim(-1, 1)


def on_diffusers(base, people, adapter, guided_by=None):
    """The same on the other host."""
    guided = None if guided_by is None else Guided(rows=(guided_by,))
    count, residual = len(people), None
    with torch.no_grad():
        if count:
            encoded = encode_people(people.people, ENCODERS, adapter.id_embedding, SCALE)
            placement = placement_of(adapter, people.people, encoded.tokens)
            residual = people_residual(adapter.face_attention, people.people, encoded, placement, strength=1.0)
    noise = cpu_noise(SEED, (1, 4, 16, 16))
    latents = draw_latents(
        base, [PROMPT], noise, SETTINGS, residual=residual, lora=lora_for(adapter, count), guided=guided
    )
    return latents, decode(base, latents)


def test_both_hosts_see_the_same_in_a_crop(tmp_path):
    from likeness.host.encoders.image_encoder import ClipVisionEncoder
    from likeness.host.miniature import _clip_vision

    torch.manual_seed(0)
    encoder, backbone = new_image_encoder().eval(), new_backbone()
    for parameter in encoder.parameters():
        parameter.data = (parameter + 0.05 * torch.randn(parameter.shape)).half().float()  # as the file keeps it
    path = tmp_path / "faces.safetensors"
    write_face_networks(
        path, finder=FaceFinder(), parser=MiniatureParser(), backbone=backbone, image_encoder=encoder, metadata={}
    )
    clip_vision = _clip_vision(read_face_networks(path))
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    expected = image_tokens(encoder, pixels)
    found = ClipVisionEncoder(clip_vision).tokens(pixels)[:, 1:]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    with torch.no_grad():
        embeds = encoder(pixel_values=pixels).image_embeds
        torch.testing.assert_close(clip_vision.model(pixels)[2], embeds, atol=1e-4, rtol=0)


@pytest.mark.parametrize("lost", ["final_layer_norm.bias", "encoder.layers.0.mlp.fc1.weight"])
def test_a_text_encoder_that_lacks_a_weight_is_refused_by_name(path, lost):
    from likeness.host.miniature import _clip

    weights, sizes = read_base_file(path)
    del weights[f"{CLIP}text_model.{lost}"]
    with pytest.raises(UnknownCheckpointError, match=rf"text encoder .* 1 missing \(text_model\.{lost}\)"):
        _clip(weights, sizes)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_both_hosts_draw_the_same_picture(path, base, adapter, count):
    theirs, their_picture = in_comfyui(path, crowd(count), adapter)
    ours, our_picture = on_diffusers(base, crowd(count), adapter)
    torch.testing.assert_close(ours, theirs, atol=ALIKE, rtol=0)
    torch.testing.assert_close(our_picture, their_picture, atol=ALIKE, rtol=0)
    assert 0.1 < ours.std() < 10
    if count:
        plain, _ = on_diffusers(base, crowd(0), adapter)
        assert (ours - plain).abs().max() > 100 * ALIKE


@pytest.mark.parametrize("count", [0, 1], ids=["alone", "with UniPortrait"])
def test_both_hosts_guide_to_the_same_picture(path, base, adapter, people, count):
    mask = torch.zeros(1, 16, 16)
    mask[:, 3:12, 2:9] = 1
    latent = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(7)) / base.latent_scale

    def own():  # features stay with the picture that they were read of
        return guidance(ReferencePicture(latent, mask[0]), mask=mask)

    theirs, _ = in_comfyui(path, crowd(count), adapter, own())
    ours, _ = on_diffusers(base, crowd(count), adapter, own())
    torch.testing.assert_close(ours, theirs, atol=GUIDED if count else ALIKE, rtol=0)
    plain, _ = on_diffusers(base, crowd(count), adapter)
    assert (ours - plain).abs().max() > 100 * ALIKE
