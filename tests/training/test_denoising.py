from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.tests.training.small_world import small_base, small_batch
from likeness.training.batches.draws import Draws
from likeness.training.denoising import denoising_loss


@pytest.mark.long
@pytest.mark.parametrize(("power", "mean"), [(1.0, 500), (0.5, 667), (2.0, 333)])
def test_the_power_chooses_which_noise_levels_are_seen_most(power, mean, monkeypatch):
    base, batch, seen = small_base(), small_batch(2), []
    add_noise = base.schedule.add_noise

    def watched(latents, noise, timesteps):
        seen.append(timesteps)
        return add_noise(latents, noise, timesteps)

    monkeypatch.setattr(base.schedule, "add_noise", watched)
    with torch.no_grad():
        for step in range(100):
            denoising_loss(base, batch, Draws(0, (2 * step, 2 * step + 1)), power=power)
    timesteps = torch.cat(seen)
    assert 0 <= timesteps.min() <= timesteps.max() <= 999
    assert abs(float(timesteps.float().mean()) - mean) < 60
