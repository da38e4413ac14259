"""The loss that all methods share: against its formula, for both predictions, with weights and chosen timesteps."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.tests.training.small_world import small_base, small_batch
from likeness.training.batches.draws import Draws
from likeness.training.denoising import denoising_loss, predict


def by_hand(base, batch, draws):
    """Squared errors at every position, (B, 4, h, w), from the definition of noise and velocity."""
    noise, timesteps = draws.normal("noise", (4, 8, 8)), draws.integers("timestep", 1000)
    signal = base.schedule.alphas_cumprod[timesteps].sqrt()[:, None, None, None]
    spread = (1 - signal**2).sqrt()
    noisy = signal * batch.latents + spread * noise
    target = noise if base.prediction == "eps" else signal * noise - spread * batch.latents
    given = {}
    if batch.pooled is not None:
        given["added_cond_kwargs"] = {"text_embeds": batch.pooled, "time_ids": batch.sizes.float()}
    return (base.unet(noisy, timesteps, batch.text, **given).sample - target).square()


@torch.no_grad()
@pytest.mark.parametrize(("family", "prediction"), [("sd15", "eps"), ("sd15", "v"), ("sdxl", "eps")])
def test_it_is_the_mean_squared_error_of_what_the_unet_predicts(family, prediction):
    base, batch, draws = small_base(family, prediction), small_batch(3, family=family), Draws(4, (0, 1, 2))
    torch.testing.assert_close(denoising_loss(base, batch, draws), by_hand(base, batch, draws).mean())


@torch.no_grad()
def test_weights_say_which_positions_count_and_not_how_large_the_loss_is():
    base, batch, draws = small_base(), small_batch(), Draws(0, (0, 1))
    half = torch.zeros(2, 1, 8, 8)
    half[..., :4] = 3
    expected = by_hand(base, batch, draws)[..., :4].mean()
    torch.testing.assert_close(denoising_loss(base, replace(batch, weights=half), draws), expected)
    alike = replace(batch, weights=torch.full((2, 1, 8, 8), 5.0))
    torch.testing.assert_close(denoising_loss(base, alike, draws), denoising_loss(base, batch, draws))


@torch.no_grad()
def test_a_unet_of_half_precision_is_asked_in_its_type_and_judged_in_whole():
    base, batch, draws = small_base(), small_batch(), Draws(0, (0, 1))
    whole = denoising_loss(base, batch, draws)
    base.unet.to(torch.bfloat16)
    half = denoising_loss(base, batch, draws)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, whole, atol=0, rtol=0.05)
    assert predict(base, batch.latents, torch.tensor([1, 2]), batch).dtype == torch.bfloat16


@pytest.mark.parametrize(("power", "mean"), [(1.0, 500), (0.5, 667), (2.0, 333)])
def test_the_power_chooses_which_noise_levels_are_seen_most(power, mean):
    """The mean of uniform ** power is 1 / (1 + power); the UNet notes the timesteps and predicts nothing."""
    base, seen = small_base(), []
    one = small_batch(1)
    batch = replace(
        one,
        latents=one.latents.expand(400, -1, -1, -1),
        text=one.text.expand(400, -1, -1),
        positions=tuple(range(400)),
    )

    class Notes(torch.nn.Module):
        dtype = torch.float32

        def forward(self, latents, timesteps, encoder_hidden_states):
            seen.append(timesteps)
            return type("Said", (), {"sample": torch.zeros_like(latents)})

    denoising_loss(replace(base, unet=Notes()), batch, Draws(0, batch.positions), power=power)
    timesteps = torch.cat(seen)
    assert 0 <= timesteps.min() <= timesteps.max() <= 999
    assert abs(float(timesteps.float().mean()) - mean) < 60
