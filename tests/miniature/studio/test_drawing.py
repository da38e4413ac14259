"""Drawing on diffusers: what is attached acts while it draws, and what decides a picture is its row alone."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.attention import find_sites
from likeness.diffusers_host.noise_levels import cpu_noise, timesteps, zero_snr_sigmas
from likeness.miniature.ablations.routing import RoutedRows
from likeness.miniature.recipe.latents import encode_pictures
from likeness.miniature.studio.drawing import Settings, decode, draw_latents
from likeness.models.adapters.identity_attention import Acting, IdentityResidual
from likeness.models.port.attention import Polarity
from likeness.tests.miniature.small_base import base as base
from likeness.training.adapter_networks import LoRALayers, lora_shapes, new_attention
from torch import nn

PROMPTS = ("a man in red", "a girl in green", "a woman in blue")
FEW = Settings(steps=3)
NOISE = torch.cat([cpu_noise(seed, (1, 4, 8, 8)) for seed in range(3)])


@pytest.fixture
def row_identities(base):
    """A function: pictures to two people of each."""
    attention = new_attention(base.unet).requires_grad_(False)
    tokens = torch.randn(3, 2, 4, 16, generator=torch.Generator().manual_seed(0))

    def build(*pictures):
        shown = tokens[list(pictures)]
        return IdentityResidual(
            attention=attention,
            tokens=shown,
            null_tokens=torch.zeros(1, 4, 16),
            people=(Acting(name="a", strength=1.0), Acting(name="b", strength=1.0)),
            placement=RoutedRows(routers=nn.ModuleDict(), tokens=shown, choice="everybody"),
        )

    return build


class Watches:
    """Notes the calls, adds nothing, and breaks off when it is told to."""

    def __init__(self, most=1000):
        self.calls, self.most = [], most

    def wants(self, site):
        return site.index == 1

    def __call__(self, site, call):
        self.calls.append((call.polarity, call.samples, call.sigma))
        if len(self.calls) > self.most:
            raise InterruptedError


def hooks(base):
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in base.unet.modules())


def test_the_same_noise_and_prompt_give_the_same_latents(base):
    first, same = (draw_latents(base, PROMPTS, NOISE, FEW) for _ in range(2))
    assert first.shape == NOISE.shape
    assert torch.equal(first, same)
    assert not torch.allclose(first, draw_latents(base, PROMPTS, NOISE.roll(1, 0), FEW), atol=1e-2)
    assert not torch.allclose(first, draw_latents(base, PROMPTS[::-1], NOISE, FEW), atol=1e-4)


def test_rows_of_a_batch_are_single_drawings(base, row_identities):
    together = draw_latents(base, PROMPTS, NOISE, FEW, residual=row_identities(0, 1, 2))
    for row, prompt in enumerate(PROMPTS):
        alone = draw_latents(base, [prompt], NOISE[row : row + 1], FEW, residual=row_identities(row))
        torch.testing.assert_close(together[row : row + 1], alone, atol=5e-5, rtol=0)
    without = draw_latents(base, PROMPTS, NOISE, FEW)
    assert not torch.allclose(together, without, atol=1e-2)


def test_guidance_leads_from_no_prompt_to_the_prompt_and_beyond(base):
    empty, said = (draw_latents(base, [text] * 3, NOISE, Settings(steps=1, guidance=1)) for text in ("", PROMPTS[0]))
    rounding = 0.03  # a single step leads here from noise of spread 4500
    for guidance in (0.0, 1.0, 11.0):
        drawn = draw_latents(base, [PROMPTS[0]] * 3, NOISE, Settings(steps=1, guidance=guidance))
        torch.testing.assert_close(drawn, empty + guidance * (said - empty), atol=rounding, rtol=0)
    assert 11 * (said - empty).abs().max() > 10 * rounding


def test_a_residual_sees_both_sides_at_comfyuis_noise_levels(base):
    watches = Watches()
    draw_latents(base, PROMPTS, NOISE, FEW, residual=watches)
    sigmas = zero_snr_sigmas()[timesteps(3)].tolist()
    sides = (Polarity.NEGATIVE, Polarity.POSITIVE)
    assert watches.calls == [(side, (0, 1, 2), sigma) for sigma in sigmas for side in sides]


@pytest.mark.parametrize("most", [0, 3, 1000], ids=["at once", "on the way", "never"])
def test_what_was_attached_is_taken_off_whatever_happens(base, most):
    before, plain = hooks(base), draw_latents(base, PROMPTS, NOISE, FEW)
    lora = LoRALayers(lora_shapes(base.unet, find_sites(base.unet)), 2)
    for parameter in lora.parameters():
        nn.init.normal_(parameter)
    watches = Watches(most)
    try:
        drawn = draw_latents(base, PROMPTS, NOISE, FEW, residual=watches, lora=lora.pairs())
        assert not torch.allclose(drawn, plain, atol=1e-2)
    except InterruptedError:
        assert most < 1000
    assert watches.calls
    assert hooks(base) == before
    assert torch.equal(draw_latents(base, PROMPTS, NOISE, FEW), plain)


def test_pictures_come_back_from_their_latents_within_range(base):
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    network = base.vae.network
    with torch.no_grad():
        expected = network.decode(network.encode(pictures * 2 - 1)) / 2 + 0.5
        found = decode(base, encode_pictures(base, pictures))
    torch.testing.assert_close(found, expected.clamp(0, 1))
    assert decode(base, 100 * torch.randn(1, 4, 8, 8)).min() == 0
