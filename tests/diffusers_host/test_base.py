"""Base models from one file: sizes, key names, what the text encoders compute, and every refusal."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

pytest.importorskip("diffusers")

from likeness.diffusers_host.attention import find_sites
from likeness.diffusers_host.base import decode_picture, load_base, require_fit
from likeness.diffusers_host.text_encoders import encode_prompts
from likeness.models.errors import IncompatibleBaseModelError, InvalidSettingError, UnknownCheckpointError
from likeness.tests.diffusers_host.small_checkpoints import empty_checkpoint, small_checkpoint
from likeness.tests.training.small_world import WIDTH, small_base


@pytest.fixture(scope="module")
def checkpoints():
    return {family: small_checkpoint(family) for family in ("sd15", "sdxl")}


def unet_output(base, device="cpu"):
    context = base.unet.config["cross_attention_dim"]
    extra = {}
    if base.family == "sdxl":
        numbers = 6 * base.unet.config["addition_time_embed_dim"]
        pooled = base.unet.config["projection_class_embeddings_input_dim"] - numbers
        extra = {
            "added_cond_kwargs": {
                "text_embeds": torch.ones(2, pooled, device=device),
                "time_ids": torch.ones(2, 6, device=device),
            }
        }
    sample, text = torch.ones(2, 4, 16, 16, device=device), torch.ones(2, 77, context, device=device)
    return base.unet(sample, torch.ones(2, device=device), text, **extra).sample


@pytest.mark.parametrize(("family", "parameters", "sites"), [("sd15", 859520964, 16), ("sdxl", 2567463684, 70)])
def test_the_published_layouts_become_full_size_networks(family, parameters, sites):
    base = load_base(empty_checkpoint(family))
    assert base.family == family
    assert base.prediction == "eps"
    assert sum(weight.numel() for weight in base.unet.parameters()) == parameters
    assert sum(name.endswith("attn2.to_k") for name, _ in base.unet.named_modules()) == sites
    assert unet_output(base, "meta").shape == (2, 4, 16, 16)


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_small_checkpoints_compute(checkpoints, family):
    base = load_base(checkpoints[family])
    assert torch.isfinite(unet_output(base)).all()
    text = encode_prompts(base.text_encoders, ["a woman in the snow", ""])
    assert text.tokens.shape == (2, 77, base.unet.config["cross_attention_dim"])
    assert (text.pooled is None) == (family == "sd15")
    latents = base.vae.encode(torch.zeros(1, 3, 32, 32)).latent_dist.mean
    assert latents.shape == (1, 4, 4, 4)
    assert base.vae.decode(latents).sample.shape == (1, 3, 32, 32)
    for module in (base.unet, base.vae, *(encoder.module for encoder in base.text_encoders)):
        assert not module.training
        assert not any(weight.requires_grad for weight in module.parameters())
        assert not any(tensor.is_meta for tensor in [*module.parameters(), *module.buffers()])


def test_weights_land_in_the_layers_they_belong_to(checkpoints):
    weights, state = checkpoints["sd15"], load_base(checkpoints["sd15"]).unet.state_dict()
    for new, old in {
        "down_blocks.0.attentions.0": "input_blocks.1.1",
        "down_blocks.2.attentions.1": "input_blocks.8.1",
        "up_blocks.1.attentions.0": "output_blocks.3.1",
        "up_blocks.3.attentions.2": "output_blocks.11.1",
        "mid_block.attentions.0": "middle_block.1",
    }.items():
        for key in ("attn1.to_q.weight", "attn2.to_v.weight", "attn2.to_out.0.bias", "ff.net.0.proj.weight"):
            key = f"transformer_blocks.0.{key}"
            assert torch.equal(state[f"{new}.{key}"], weights[f"model.diffusion_model.{old}.{key}"])


@pytest.mark.parametrize(
    ("family", "keys", "asked", "prediction", "zero_terminal"),
    [
        ("sd15", (), "auto", "eps", False),
        ("sd15", (), "v", "v", False),
        ("sdxl", ("v_pred",), "auto", "v", False),
        ("sdxl", ("v_pred", "ztsnr"), "v", "v", True),
        ("sdxl", ("ztsnr",), "eps", "eps", False),  # noise cannot be told from nothing but noise
    ],
)
def test_the_file_tells_the_prediction(checkpoints, family, keys, asked, prediction, zero_terminal):
    base = load_base(checkpoints[family] | {key: torch.tensor([]) for key in keys}, prediction=asked)
    assert base.prediction == prediction
    assert base.schedule.config["prediction_type"] == {"eps": "epsilon", "v": "v_prediction"}[prediction]
    assert (float(base.schedule.alphas_cumprod[-1]) == 0) == zero_terminal


def test_another_vae_takes_the_place_of_the_own(checkpoints):
    own = checkpoints["sd15"]
    other = {key: weight + 1 for key, weight in own.items() if key.startswith("first_stage_model.")}
    bare = {key.removeprefix("first_stage_model."): weight for key, weight in other.items()}
    for vae in (other, bare):
        base = load_base(own, vae=vae, dtype=torch.bfloat16)
        assert torch.equal(base.vae.quant_conv.weight, other["first_stage_model.quant_conv.weight"])
        assert base.vae.dtype == torch.float32
        assert base.unet.dtype == torch.bfloat16


def drop(weights, start):
    return {key: weight for key, weight in weights.items() if not key.startswith(start)}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda w: drop(w, "model."), IncompatibleBaseModelError, "no whole SD1.5 or SDXL checkpoint"),
        (lambda w: drop(w, "cond_stage"), IncompatibleBaseModelError, "no whole SD1.5 or SDXL checkpoint"),
        (
            lambda w: w | {"cond_stage_model.model.ln_final.bias": torch.zeros(1)},
            IncompatibleBaseModelError,
            "Stable Diffusion 2",
        ),
        (
            lambda w: w | {"conditioner.embedders.0.model.ln_final.bias": torch.zeros(1)},
            IncompatibleBaseModelError,
            "refiner",
        ),
        (
            lambda w: w | {"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(32, 9, 3, 3)},
            IncompatibleBaseModelError,
            "9 input channels",
        ),
        (
            lambda w: drop(w, "model.diffusion_model.middle_block.2.in_layers"),
            UnknownCheckpointError,
            r"mid_block\.resnets\.1",
        ),
        (lambda w: w | {"model.diffusion_model.extra": torch.zeros(1)}, UnknownCheckpointError, "are known"),
        (lambda w: drop(w, "first_stage_model.encoder.mid"), UnknownCheckpointError, "VAE"),
        (lambda w: drop(w, "first_stage_model."), UnknownCheckpointError, "encoder.conv_in.weight"),
        (
            lambda w: drop(w, "cond_stage_model.transformer.text_model.final_layer_norm"),
            UnknownCheckpointError,
            "text encoder",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(checkpoints, change, error, message):
    with pytest.raises(error, match=message):
        load_base(change(checkpoints["sd15"]))


def test_what_contradicts_the_configuration_is_refused(checkpoints):
    with pytest.raises(IncompatibleBaseModelError, match="checkpoint of sd15, the configuration asks for sdxl"):
        load_base(checkpoints["sd15"], family="sdxl")
    with pytest.raises(InvalidSettingError, match='set prediction to "auto" or "v"'):
        load_base(checkpoints["sdxl"] | {"v_pred": torch.tensor([])}, prediction="eps")


def test_no_hub_is_needed(checkpoints, tmp_path):
    save_file(checkpoints["sdxl"], tmp_path / "base.safetensors")
    code = (
        "from likeness.diffusers_host.base import load_base\n"
        "from likeness.diffusers_host.text_encoders import encode_prompts\n"
        f"base = load_base({str(tmp_path / 'base.safetensors')!r})\n"
        "print(base.family, tuple(encode_prompts(base.text_encoders, ['a cat']).tokens.shape))"
    )
    (tmp_path / "home").mkdir()
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split("\n")[0] == "sdxl (1, 77, 96)"


@torch.no_grad()
def test_pixels_are_rounded_and_clamped():
    base = small_base()
    latents = torch.randn(1, 4, 6, 4, generator=torch.Generator().manual_seed(0))
    picture = decode_picture(base, latents)
    plain = base.vae.decode(latents / base.latent_scale).sample[0].permute(1, 2, 0)
    expected = (plain * 127.5 + 127.5).clamp(0, 255)
    assert picture.shape == (6, 4, 3)
    torch.testing.assert_close(torch.from_numpy(picture).float(), expected, atol=0.51, rtol=0)


@pytest.mark.parametrize(("widths", "context"), [({1: 32}, WIDTH), (None, WIDTH + 1)])
def test_an_adapter_of_another_architecture_is_refused(widths, context):
    base = small_base()
    own = {site.index: site.channels for site in find_sites(base.unet) if site.kind == "cross"}
    require_fit(base, own, WIDTH, name="a.bin")
    with pytest.raises(IncompatibleBaseModelError, match=r"^a\.bin fits a UNet with .* this one has 16 and 24"):
        require_fit(base, own if widths is None else widths, context, name="a.bin")
