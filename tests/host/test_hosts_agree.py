"""One port, two hosts: ComfyUI's UNet and diffusers' UNet with the same weights and the same residuals."""

import uuid
from typing import Any

import pytest
import torch
from likeness.models.port.attention import Polarity, Run

pytestmark = pytest.mark.comfy

PER_SITE, WHOLE = 2e-5, 1e-4
TIMESTEP = 481
LAYOUTS: dict[str, dict[str, Any]] = {
    "sd15": {
        "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        "block_out_channels": (32, 64, 128, 128),
    },
    "sdxl": {
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "block_out_channels": (32, 64, 128),
        "transformer_layers_per_block": (1, 2, 10),
        "use_linear_projection": True,
    },
}


class Witness:
    """Passes on to a residual and remembers what it gave, by site and polarity."""

    def __init__(self, residual):
        self.residual, self.given = residual, {}

    def wants(self, site):
        return self.residual.wants(site)

    def __call__(self, site, call):
        added = self.residual(site, call)
        self.given[site.index, site.block, call.polarity] = (call.hidden, call.query, call.base, added)
        return added


def twin(model, kind):
    """A diffusers UNet with the weights of a ComfyUI model; the key table is ComfyUI's own."""
    pytest.importorskip("diffusers")
    from comfy.utils import unet_to_diffusers
    from diffusers import UNet2DConditionModel  # pyright: ignore[reportPrivateImportUsage]

    unet = UNet2DConditionModel(
        sample_size=16,
        cross_attention_dim=24,
        attention_head_dim=model.model.model_config.unet_config["num_heads"],  # a count, whatever its name
        **LAYOUTS[kind],
    )
    weights = model.model.diffusion_model.state_dict()
    names = unet_to_diffusers(model.model.model_config.unet_config)
    unet.load_state_dict({key: weights[names[key]] for key in unet.state_dict()}, strict=True)
    return unet.eval().requires_grad_(False)


def inputs(rows, size):
    generator = torch.Generator().manual_seed(5)
    return torch.randn(rows, 4, *size, generator=generator), torch.randn(rows, 7, 24, generator=generator)


def in_comfyui(model, residual, x, text, polarities):
    from likeness.host.unet.attention import inject

    return call_comfyui(inject(model, [residual], name="test"), x, text, polarities)


@torch.no_grad()
def call_comfyui(patched, x, text, polarities, owners=()):
    """One call of the UNet of a MODEL that residuals and LoRA were put into; `owners` are those of the positive side's rows."""
    from likeness.host.sampling.conds import CondInfo
    from likeness.host.unet import keys

    owned = {Polarity.POSITIVE: owners}
    conds = {uuid.uuid4(): CondInfo(polarity, owners=owned.get(polarity, ())) for polarity in polarities}
    options = {
        **patched.model_options["transformer_options"],
        "wrappers": patched.wrappers,
        "cond_or_uncond": list(range(len(polarities))),
        "uuids": list(conds),
        "sigmas": torch.full((len(x),), sigma(patched)),
        keys.CONDS: conds,
        keys.RUN: Run(),
    }
    patched.patch_model()
    try:
        timesteps = torch.full((len(x),), float(TIMESTEP))
        return patched.model.diffusion_model(x, timesteps, context=text, transformer_options=options)
    finally:
        patched.unpatch_model()


@torch.no_grad()
def in_diffusers(unet, residual, x, text, polarities, lora=None):
    from likeness.diffusers_host.attention import RunContext, attach

    rows = [polarity for polarity in polarities for _ in range(len(x) // len(polarities))]
    detach = attach(unet, residual, lora=lora, lora_strength=0.7, context=RunContext(lambda _: rows, run=Run()))
    try:
        return unet(x, torch.tensor(TIMESTEP), text).sample
    finally:
        detach()


def sigma(model):
    return float(model.get_model_object("model_sampling").sigma(torch.tensor(TIMESTEP)))


def small_lora(model):
    from likeness.host.unet.sites import find_sites, unet_of

    unet, generator = unet_of(model), torch.Generator().manual_seed(6)
    lora = {}
    for site in find_sites(unet):
        layer = unet.get_submodule(site.path)
        projections = {"q": layer.to_q, "k": layer.to_k, "v": layer.to_v, "out": layer.to_out[0]}
        lora[site.index] = {
            part: (
                torch.randn(2, linear.in_features, generator=generator) / linear.in_features**0.5,
                torch.randn(linear.out_features, 2, generator=generator) / 4,
            )
            for part, linear in projections.items()
        }
    return lora


@pytest.mark.parametrize(("kind", "count"), [("sd15", 32), ("sdxl", 140)])
def test_both_hosts_find_the_same_sites(tiny_model, kind, count):
    from likeness.diffusers_host import attention
    from likeness.host.unet.sites import find_sites, unet_of

    model = tiny_model(kind)

    def described(sites):
        return [(site.index, site.kind, site.block, site.channels) for site in sites]

    assert described(attention.find_sites(twin(model, kind))) == described(find_sites(unet_of(model)))
    assert len(find_sites(unet_of(model))) == count


@pytest.mark.parametrize("polarities", [(Polarity.NEGATIVE, Polarity.POSITIVE), (Polarity.POSITIVE,)])
@pytest.mark.parametrize(("kind", "size"), [("sd15", (16, 16)), ("sd15", (18, 10)), ("sdxl", (16, 8))])
def test_the_same_residual_gives_the_same_numbers(tiny_model, people, kind, size, polarities):
    model = tiny_model(kind)
    x, text = inputs(2 * len(polarities), size)
    here, there = Witness(people(model)), Witness(people(model))

    ours = in_comfyui(model, here, x, text, polarities)
    theirs = in_diffusers(twin(model, kind), there, x, text, polarities)

    assert here.given.keys() == there.given.keys()
    assert len(here.given) == len(polarities) * (16 if kind == "sd15" else 70)
    for key, values in here.given.items():
        for mine, other in zip(values, there.given[key], strict=True):
            torch.testing.assert_close(
                mine, other, atol=PER_SITE, rtol=PER_SITE, msg=lambda text, key=key: f"{key}: {text}"
            )
    torch.testing.assert_close(ours, theirs, atol=WHOLE, rtol=0)


def test_lora_as_weight_patch_and_as_branch(tiny_model, people):
    from likeness.host.unet.lora import add_lora

    model = tiny_model("sd15")
    lora, polarities = small_lora(model), (Polarity.NEGATIVE, Polarity.POSITIVE)
    x, text = inputs(2, (16, 16))
    with_lora = model.clone()
    add_lora(with_lora, lora, 0.7)

    ours = in_comfyui(with_lora, people(model), x, text, polarities)
    theirs = in_diffusers(twin(model, "sd15"), people(model), x, text, polarities, lora)
    without = in_diffusers(twin(model, "sd15"), people(model), x, text, polarities)

    assert not torch.allclose(ours, without, atol=1e-2)
    torch.testing.assert_close(ours, theirs, atol=WHOLE, rtol=0)


def test_both_hosts_count_noise_alike(tiny_model):
    from likeness.diffusers_host.attention import stable_diffusion_sigma

    sampling = tiny_model().get_model_object("model_sampling")
    for timestep in (0, 1, 481, 481.5, 999):
        expected = float(sampling.sigma(torch.tensor(float(timestep))))
        assert stable_diffusion_sigma(timestep) == pytest.approx(expected, rel=1e-4)
