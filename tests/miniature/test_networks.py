"""The base model's file: what is built, written and loaded again computes the same, here and in ComfyUI."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from safetensors import safe_open

pytest.importorskip("diffusers")

from likeness.miniature.networks.checkpoint import base_weights, write_base
from likeness.miniature.networks.sizes import BaseSizes
from likeness.miniature.networks.untrained import new_base
from likeness.models.checkpoint import subset
from likeness.models.errors import InvalidSettingError
from likeness.training.base import load_base
from likeness.training.text_encoders import encode_prompts

SIZES = BaseSizes(unet=(32, 64), vae=(32, 32, 64, 64), text=64, text_layers=2)
PROMPT = "a woman in a red shirt in front of dots"
TIMESTEP = 481


@pytest.fixture(scope="module")
def base():
    """Untrained, with every value its own: torch makes all norms alike, and swapped ones would not be noticed."""
    made = new_base(SIZES, seed=3)
    generator = torch.Generator().manual_seed(4)
    for module in (made.unet, made.vae, made.text_encoders[0].module):
        module.eval().requires_grad_(False)
        for parameter in module.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    return made


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_what_was_written_is_loaded_again_and_computes_the_same(base, tmp_path):
    write_base(tmp_path / "base.safetensors", base, dtype=torch.float32)
    again = load_base(tmp_path / "base.safetensors")
    assert (again.family, again.prediction) == ("sd15", "v")
    assert again.schedule.alphas_cumprod[-1] == 0
    text = encode_prompts(base.text_encoders, [PROMPT, ""]).tokens
    assert torch.equal(encode_prompts(again.text_encoders, [PROMPT, ""]).tokens, text)
    latents, pixels = noise(2, 4, 16, 16), noise(1, 3, 32, 32)
    times = torch.tensor([20, TIMESTEP])
    assert torch.equal(again.unet(latents, times, text).sample, base.unet(latents, times, text).sample)
    assert torch.equal(again.vae.decode(latents).sample, base.vae.decode(latents).sample)
    assert torch.equal(again.vae.encode(pixels).latent_dist.parameters, base.vae.encode(pixels).latent_dist.parameters)


def test_a_file_is_half_precision_and_carries_its_notes(base, tmp_path):
    write_base(tmp_path / "base.safetensors", base, metadata={"seed": "3"})
    assert [path.name for path in tmp_path.iterdir()] == ["base.safetensors"]
    with safe_open(tmp_path / "base.safetensors", "pt") as file:
        assert file.metadata() == {"seed": "3"}
        assert file.get_tensor("model.diffusion_model.out.2.weight").dtype == torch.float16


def test_the_same_seed_makes_the_same_weights_and_another_one_others():
    first, same, other = (base_weights(new_base(SIZES, seed=seed)) for seed in (3, 3, 4))
    assert all(torch.equal(first[key], same[key]) for key in first)
    for part in ("model.diffusion_model.out.2", "first_stage_model.quant_conv", "cond_stage_model.transformer."):
        key = next(key for key in first if key.startswith(part) and key.endswith("weight") and "norm" not in key)
        assert not torch.equal(first[key], other[key]), key


def test_building_leaves_the_global_random_state_alone():
    torch.manual_seed(8)
    expected = torch.rand(3)
    torch.manual_seed(8)
    new_base(SIZES, seed=3)
    assert torch.equal(torch.rand(3), expected)


def test_the_miniature_has_as_many_layers_that_attend_to_text_as_sd15():
    base = new_base(BaseSizes(), seed=0)
    assert sum(name.endswith("attn2.to_k") for name, _ in base.unet.named_modules()) == 16


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"unet": (32, 48)}, "48 channels"), ({"vae": (16, 32)}, "16 channels"), ({"text": 96}, "96 wide")],
)
def test_widths_that_do_not_fit_the_layout_are_refused(wrong, said):
    with pytest.raises(InvalidSettingError, match=said):
        BaseSizes(**wrong)


@pytest.fixture(scope="module")
def weights(base):
    return base_weights(base)


@pytest.fixture(scope="module")
def model(weights):
    from comfy import model_base, supported_models

    levels = len(SIZES.unet)
    config = supported_models.SD15(
        {
            "image_size": 32,
            "in_channels": 4,
            "out_channels": 4,
            "model_channels": SIZES.unet[0],
            "channel_mult": [width // SIZES.unet[0] for width in SIZES.unet],
            "num_res_blocks": [2] * levels,
            "transformer_depth": [1] * 2 * levels,
            "transformer_depth_middle": 1,
            "transformer_depth_output": [1] * 3 * levels,
            "context_dim": SIZES.text,
            "num_heads": 8,
            "num_head_channels": -1,
            "use_spatial_transformer": True,
            "use_linear_in_transformer": False,
            "adm_in_channels": None,
            "legacy": False,
            "use_temporal_attention": False,
            "use_temporal_resblock": False,
        }
    )
    config.sampling_settings = {"zsnr": True}
    config.set_inference_dtype(torch.float32, None)
    made = model_base.BaseModel(config, model_type=model_base.ModelType.V_PREDICTION, device=torch.device("cpu"))
    made.diffusion_model.load_state_dict(subset(weights, "model.diffusion_model."), strict=True)
    return made.eval().requires_grad_(False)


@pytest.mark.comfy
def test_comfyuis_unet_computes_the_same(model, base):
    latents, text = noise(2, 4, 16, 16), noise(2, 77, SIZES.text, seed=1)
    ours = base.unet(latents, torch.tensor(TIMESTEP), text).sample
    theirs = model.diffusion_model(latents, torch.full((2,), float(TIMESTEP)), context=text)
    torch.testing.assert_close(theirs, ours, atol=1e-4, rtol=0)


@pytest.mark.comfy
def test_what_the_unet_says_is_taken_for_velocity_under_zero_terminal_snr(model, base):
    """ComfyUI keeps sigma finite, so the last step is only nearly pure noise there."""
    cumulative = base.schedule.alphas_cumprod[:-1].double()
    sigmas = model.model_sampling.sigmas.double()
    torch.testing.assert_close(sigmas[:-1], ((1 - cumulative) / cumulative).sqrt(), atol=1e-5, rtol=1e-3)
    assert sigmas[-1] > 4000
    latents, text = noise(2, 4, 16, 16), noise(2, 77, SIZES.text, seed=1)
    alpha = cumulative[TIMESTEP].float()
    velocity = base.unet(latents, torch.tensor(TIMESTEP), text).sample
    clean = alpha.sqrt() * latents - (1 - alpha).sqrt() * velocity
    sigma = model.model_sampling.sigmas[TIMESTEP]
    denoised = model.apply_model(latents / alpha.sqrt(), sigma.expand(2), c_crossattn=text)
    torch.testing.assert_close(denoised, clean, atol=1e-3, rtol=0)


@pytest.mark.comfy
def test_comfyuis_vae_computes_the_same(weights, base):
    import comfy.sd

    widths = SIZES.vae
    sizes = {
        "double_z": True,
        "z_channels": 4,
        "resolution": 128,
        "in_channels": 3,
        "out_ch": 3,
        "ch": widths[0],
        "ch_mult": [width // widths[0] for width in widths],
        "num_res_blocks": 2,
        "attn_resolutions": [],
        "dropout": 0.0,
    }
    vae = comfy.sd.VAE(
        sd=subset(weights, "first_stage_model."),
        config={"params": {"ddconfig": sizes, "embed_dim": 4}},
        dtype=torch.float32,
    )
    latents, pixels = noise(1, 4, 8, 8), noise(1, 64, 64, 3).clamp(0, 1)
    ours = (base.vae.decode(latents).sample / 2 + 0.5).clamp(0, 1)
    torch.testing.assert_close(vae.decode(latents).permute(0, 3, 1, 2), ours, atol=1e-4, rtol=0)
    encoded = base.vae.encode(pixels.permute(0, 3, 1, 2) * 2 - 1).latent_dist
    module = vae.first_stage_model  # its encode() draws; the parameters do not
    theirs = module.quant_conv(module.encoder(pixels.permute(0, 3, 1, 2) * 2 - 1))
    torch.testing.assert_close(theirs, encoded.parameters, atol=1e-4, rtol=1e-4)


@pytest.mark.comfy
def test_comfyuis_text_encoder_computes_the_same(weights, base):
    import comfy.sd
    from comfy import sd1_clip

    sizes = {
        "hidden_size": SIZES.text,
        "intermediate_size": 4 * SIZES.text,
        "num_attention_heads": SIZES.text_heads,
        "num_hidden_layers": SIZES.text_layers,
    }
    clip = comfy.sd.CLIP(
        SimpleNamespace(params={}, clip=sd1_clip.SD1ClipModel, tokenizer=sd1_clip.SD1Tokenizer),
        model_options={"clip_l_model_config": sizes, "dtype": torch.float32},
    )
    missing, unexpected = clip.load_sd(
        {"clip_l." + key: tensor for key, tensor in subset(weights, "cond_stage_model.").items()}, full_model=True
    )
    assert not unexpected
    assert all("text_projection" in key or "logit_scale" in key for key in missing)
    for prompt in (PROMPT, ""):
        theirs = clip.encode_from_tokens(clip.tokenize(prompt))
        torch.testing.assert_close(theirs, encode_prompts(base.text_encoders, [prompt]).tokens, atol=1e-4, rtol=0)
