"""The base model's file: what is built, written and read again computes the same, here and in ComfyUI."""

from __future__ import annotations

import pytest
import torch
from safetensors import safe_open

pytest.importorskip("diffusers")

from likeness.diffusers_host.text_encoders import encode_prompts
from likeness.miniature.networks.checkpoint import read_base, write_base
from likeness.miniature.networks.untrained import new_base
from likeness.miniature.world.captions import vocabulary
from likeness.models.clip import BOS, EOS, text_ids
from likeness.models.errors import UnknownCheckpointError
from likeness.models.miniature.files import VOCABULARY, WORDS, read_base_file
from likeness.models.miniature.sizes import BaseSizes
from safetensors.torch import load_file, save_file

SMALL = BaseSizes(unet=(32, 64), vae=(32, 48), latent_channels=4, text=64, text_layers=2, text_heads=2)
DEEP = BaseSizes(unet=(32, 64), blocks=2, vae=(32, 48), latent_channels=4, text=64, text_layers=2, text_heads=2)
PROMPT = "a woman in a red shirt in front of dots"
TIMESTEP = 481


@pytest.fixture(scope="module", params=[SMALL, DEEP], ids=["one block", "two blocks"])
def sizes(request):
    return request.param


def words_of(base):
    return base.text_encoders[0].module.get_input_embeddings().weight


@pytest.fixture(scope="module")
def base(sizes):
    """Untrained, with every value its own: torch makes all norms alike, and swapped ones would not be noticed."""
    made = new_base(sizes, seed=3)
    generator, used = torch.Generator().manual_seed(4), words_of(made).detach().any(1)
    for module in (made.unet, made.vae, made.text_encoders[0].module):
        module.eval().requires_grad_(False)
        for parameter in module.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    words_of(made)[~used] = 0
    return made


@pytest.fixture(scope="module")
def path(base, sizes, tmp_path_factory):
    path = tmp_path_factory.mktemp("miniature") / "base.safetensors"
    write_base(path, base, sizes, metadata={"seed": "3"}, dtype=torch.float32)
    return path


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_what_was_written_is_read_again_and_computes_the_same(base, path):
    again = read_base(path)
    assert (again.family, again.prediction) == ("sd15", "v")
    assert again.schedule.alphas_cumprod[-1] == 0
    text = encode_prompts(base.text_encoders, [PROMPT, "an astronaut"]).tokens
    assert torch.equal(encode_prompts(again.text_encoders, [PROMPT, "an astronaut"]).tokens, text)
    latents, pixels = noise(2, 4, 16, 16), noise(1, 3, 32, 32)
    times = torch.tensor([20, TIMESTEP])
    assert torch.equal(again.unet(latents, times, text).sample, base.unet(latents, times, text).sample)
    assert torch.equal(again.vae.decode(latents).sample, base.vae.decode(latents).sample)
    assert torch.equal(again.vae.encode(pixels).latent_dist.mean, base.vae.encode(pixels).latent_dist.mean)
    assert not any(part.requires_grad for part in (*again.unet.parameters(), *again.vae.parameters()))


def test_a_file_is_half_precision_and_carries_its_sizes_and_notes(base, sizes, tmp_path):
    write_base(tmp_path / "base.safetensors", base, sizes, metadata={"seed": "3"})
    assert [path.name for path in tmp_path.iterdir()] == ["base.safetensors"]
    with safe_open(tmp_path / "base.safetensors", "pt") as file:
        assert file.metadata()["seed"] == "3"
        assert BaseSizes.from_metadata(file.metadata(), "it") == sizes
        assert file.get_tensor("model.diffusion_model.out.2.weight").dtype == torch.float16


def test_words_that_the_world_does_not_use_are_zeros_and_are_not_stored(base, path):
    used = torch.tensor(sorted({BOS, EOS, *text_ids(vocabulary())}))
    assert torch.equal(words_of(base).any(1).nonzero()[:, 0], used)
    assert len(load_file(path)[WORDS]) == len(used) < 100
    filled = read_base_file(path)[0][WORDS]
    assert torch.equal(filled, words_of(base))
    assert len(filled) == VOCABULARY


@pytest.mark.parametrize("key", [WORDS, "metadata"])
def test_another_file_is_refused(path, tmp_path, key):
    weights, other = load_file(path), tmp_path / "other.safetensors"
    weights.pop(key, None)
    save_file(weights, other, {} if key == "metadata" else BaseSizes().metadata())
    with pytest.raises(UnknownCheckpointError, match=r"^other.safetensors does not"):
        read_base(other)


@pytest.fixture(scope="module")
def model(path):
    from likeness.host.miniature import _model

    return _model(*read_base_file(path)).model


@pytest.mark.comfy
def test_comfyuis_unet_computes_the_same(model, base, sizes):
    latents, text = noise(2, 4, 16, 16), noise(2, 77, sizes.text, seed=1)
    ours = base.unet(latents, torch.tensor(TIMESTEP), text).sample
    theirs = model.diffusion_model(latents, torch.full((2,), float(TIMESTEP)), context=text)
    torch.testing.assert_close(theirs, ours, atol=1e-4, rtol=0)


@pytest.mark.comfy
def test_what_the_unet_says_is_taken_for_velocity_under_zero_terminal_snr(model, base, sizes):
    """ComfyUI keeps sigma finite, so the last step is only nearly pure noise there."""
    cumulative = base.schedule.alphas_cumprod[:-1].double()
    sigmas = model.model_sampling.sigmas.double()
    torch.testing.assert_close(sigmas[:-1], ((1 - cumulative) / cumulative).sqrt(), atol=1e-5, rtol=1e-3)
    assert sigmas[-1] > 4000
    latents, text = noise(2, 4, 16, 16), noise(2, 77, sizes.text, seed=1)
    alpha = cumulative[TIMESTEP].float()
    velocity = base.unet(latents, torch.tensor(TIMESTEP), text).sample
    clean = alpha.sqrt() * latents - (1 - alpha).sqrt() * velocity
    sigma = model.model_sampling.sigmas[TIMESTEP]
    denoised = model.apply_model(latents / alpha.sqrt(), sigma.expand(2), c_crossattn=text)
    torch.testing.assert_close(denoised, clean, atol=1e-3, rtol=0)


@pytest.mark.comfy
def test_comfyuis_vae_computes_the_same(path, model, base):
    from likeness.host.miniature import _vae

    vae = _vae(*read_base_file(path))
    latents, pixels = noise(1, 4, 8, 8), noise(1, 64, 64, 3).clamp(0, 1)
    ours = (base.vae.decode(latents).sample / 2 + 0.5).clamp(0, 1)
    torch.testing.assert_close(vae.decode(latents).permute(0, 3, 1, 2), ours, atol=1e-4, rtol=0)
    encoded = base.vae.encode(pixels.permute(0, 3, 1, 2) * 2 - 1).latent_dist.mean
    torch.testing.assert_close(vae.encode(pixels), encoded, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(model.process_latent_in(encoded), encoded * base.latent_scale)


@pytest.mark.comfy
def test_comfyuis_text_encoder_computes_the_same(path, base):
    from likeness.host.miniature import _clip

    clip = _clip(*read_base_file(path))
    for prompt in (PROMPT, "", "an astronaut"):
        theirs = clip.encode_from_tokens(clip.tokenize(prompt))
        torch.testing.assert_close(theirs, encode_prompts(base.text_encoders, [prompt]).tokens, atol=1e-4, rtol=0)
