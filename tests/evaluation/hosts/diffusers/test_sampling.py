"""Samplers: the published timesteps, guidance as its formula says, and a UNet that is left as it was."""

from __future__ import annotations

import pytest
import torch
from likeness.diffusers_host.base import load_base
from likeness.diffusers_host.noise_levels import cpu_noise
from likeness.diffusers_host.prompted import ask_unet
from likeness.diffusers_host.text_encoders import TextCondition, encode_prompts
from likeness.evaluation.hosts.diffusers.sampling import new_sampler, sample

SIZE = (96, 64)


@pytest.fixture(scope="module")
def base(models):
    return load_base(models / "base.safetensors")


def test_leading_ddim_has_the_steps_of_the_published_pipelines(base):
    assert new_sampler(base, "ddim", "leading", 50).timesteps[:3].tolist() == [981, 961, 941]
    assert new_sampler(base, "ddim", "leading", 50).timesteps[-1] == 1
    assert new_sampler(base, "ddim", "trailing", 50).timesteps[[0, -1]].tolist() == [999, 19]


def test_one_step_is_ddims_formula_with_guidance(base):
    schedule = new_sampler(base, "ddim", "leading", 1)
    noise, guidance = cpu_noise(0, (1, 4, 12, 8)), 3.0
    both = encode_prompts(base.text_encoders, ["blue", "a man"])
    found = sample(base, schedule, noise, lambda _: both, guidance=guidance, size=SIZE)
    [timestep] = schedule.timesteps
    sizes = torch.zeros(1, 6)
    with torch.no_grad():
        away, towards = (
            ask_unet(base, noise, timestep[None], TextCondition(tokens=row, pooled=None), sizes)
            for row in both.tokens.split(1)
        )
    said = away + guidance * (towards - away)
    now, after = (base.schedule.alphas_cumprod[place] for place in (int(timestep), 0))
    clean = (noise - (1 - now).sqrt() * said) / now.sqrt()
    torch.testing.assert_close(found, after.sqrt() * clean + (1 - after).sqrt() * said, rtol=1e-4, atol=1e-4)


def test_texts_change_from_step_to_step(base):
    asked = []
    both = encode_prompts(base.text_encoders, ["", "a man"])
    schedule = new_sampler(base, "ddim", "leading", 3)
    sample(base, schedule, cpu_noise(0, (1, 4, 8, 8)), lambda step: asked.append(step) or both, guidance=2.0, size=SIZE)
    assert asked == [0, 1, 2]


def test_the_unet_is_left_as_it_was_even_by_a_fault(base):
    def hooks():
        return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in base.unet.modules())

    before = hooks()

    def fail(step):
        raise ValueError("no text")

    with pytest.raises(ValueError, match="no text"):
        sample(base, new_sampler(base, "ddim", "leading", 2), cpu_noise(0, (1, 4, 8, 8)), fail, guidance=2.0, size=SIZE)
    assert hooks() == before
