"""Load Miniature's parts inside ComfyUI: every sampler and schedule, the latents' channels, the VAE, image encoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.models.miniature.files import BASE, CONSISTENTID, FACES, IP_ADAPTER, OMNIPORTRAIT, UNIPORTRAIT

pytestmark = [
    pytest.mark.comfy,
    pytest.mark.skipif(
        not all(path.is_file() for path in (BASE, FACES, UNIPORTRAIT, CONSISTENTID, OMNIPORTRAIT, IP_ADAPTER)),
        reason="the miniature is not trained yet",
    ),
]


@pytest.fixture(scope="module")
def miniature():
    from likeness.host.miniature import load_miniature

    return load_miniature()


@pytest.fixture(scope="module")
def conds(miniature):
    def encode(text):
        return miniature.clip.encode_from_tokens_scheduled(miniature.clip.tokenize(text))

    return encode("a (man:1.2) in a red shirt in front of stripes"), encode("")


def sample(miniature, conds, sampler="euler", scheduler="simple", steps=3, latent=None, denoise=1.0):
    """Latents of 64 pixels, from ComfyUI's ordinary empty ones, or over a given latent."""
    import nodes

    samples = torch.zeros(1, 4, 8, 8) if latent is None else latent
    [found] = nodes.KSampler().sample(
        miniature.model, 1, steps, 3.0, sampler, scheduler, *conds, {"samples": samples}, denoise=denoise
    )
    return found["samples"]


@pytest.mark.long
def test_every_stock_sampler_draws(miniature, conds):
    import comfy.samplers

    names = comfy.samplers.KSampler.SAMPLERS
    assert len(names) > 30
    drawn = {name: sample(miniature, conds, sampler=name) for name in names}
    assert [name for name, latent in drawn.items() if not torch.isfinite(latent).all()] == []
    assert {tuple(latent.shape) for latent in drawn.values()} == {(1, 16, 8, 8)}


def test_every_stock_schedule_draws(miniature, conds):
    import comfy.samplers

    for name in comfy.samplers.KSampler.SCHEDULERS:
        assert torch.isfinite(sample(miniature, conds, scheduler=name)).all(), name


def test_a_picture_can_be_encoded_and_drawn_over(miniature, conds):
    picture = torch.rand(1, 128, 128, 3, generator=torch.Generator().manual_seed(0))
    latent = miniature.vae.encode(picture)
    assert latent.shape == (1, 16, 16, 16)
    assert sample(miniature, conds, latent=latent, denoise=0.5).shape == (1, 16, 16, 16)
    decoded = miniature.vae.decode(latent)
    assert decoded.shape == (1, 128, 128, 3)
    assert 0 <= decoded.min() <= decoded.max() <= 1
    tiled = miniature.vae.decode_tiled(latent, tile_x=8, tile_y=8, overlap=2)
    assert tiled.shape == decoded.shape


def test_the_image_encoder_gives_what_clip_vision_gives(miniature):
    said = miniature.clip_vision.encode_image(torch.rand(2, 128, 128, 3))
    assert said["penultimate_hidden_states"].shape == (2, 257, 64)
    assert said["image_embeds"].shape == (2, 64)


def test_what_comfyui_previews_follows_the_decoded_picture(miniature, conds):
    from comfy.cli_args import LatentPreviewMethod, args
    from latent_preview import get_previewer

    before, args.preview_method = args.preview_method, LatentPreviewMethod.Latent2RGB
    try:
        previewer = get_previewer("cpu", miniature.model.model.latent_format)
    finally:
        args.preview_method = before
    latent = sample(miniature, conds, steps=8, latent=torch.zeros(1, 16, 16, 16))
    shown = previewer.decode_latent_to_preview(miniature.model.model.process_latent_in(latent))
    assert shown.size == (16, 16)
    small = torch.nn.functional.avg_pool2d(miniature.vae.decode(latent).movedim(-1, 1), 8)[0].permute(1, 2, 0)
    seen = torch.from_numpy(np.array(shown)).float()
    assert torch.corrcoef(torch.stack([seen.flatten(), small.flatten()]))[0, 1] > 0.9
