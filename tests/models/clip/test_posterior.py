"""The schedule of the priors."""

import math

import pytest
import torch
from likeness.models.clip.posterior import alphas_cumprod, betas, posterior, timesteps
from likeness.models.errors import InvalidSettingError


def test_timesteps_go_from_the_noisiest_down_to_zero():
    assert timesteps(5) == (999, 749, 500, 250, 0)  # stored by the published pipeline
    assert timesteps(2) == (999, 0)
    assert timesteps(1000) == tuple(range(999, -1, -1))
    assert len(set(timesteps(25))) == 25


@pytest.mark.parametrize("steps", [-1, 0, 1, 1001])
def test_numbers_of_steps_out_of_range_are_refused(steps):
    with pytest.raises(InvalidSettingError, match=f"steps is {steps}; choose a number from 2 to 1000"):
        timesteps(steps)


def test_the_cosine_rule():
    def kept(share):
        return math.cos((share + 0.008) / 1.008 * math.pi / 2) ** 2

    expected = [kept((t + 1) / 1000) / kept(0) for t in range(999)]  # the product telescopes but for the cut at its end
    torch.testing.assert_close(alphas_cumprod()[:999], torch.tensor(expected), atol=1e-5, rtol=1e-4)
    assert betas()[-1] == pytest.approx(0.999)
    assert (alphas_cumprod().diff() < 0).all()


@pytest.mark.parametrize(("timestep", "following"), [(999, 957), (500, 458), (42, 0), (3, 2)])
def test_a_step_keeps_mean_and_variance_of_the_forward_process(timestep, following):
    """A sample √ᾱ_t·x + √(1−ᾱ_t)·ε with the true x in hand becomes one of timestep p."""
    step = posterior(timestep, following)
    at, then = (alphas_cumprod()[t].item() for t in (timestep, following))
    assert step.clean + step.noisy * math.sqrt(at) == pytest.approx(math.sqrt(then), abs=2e-3)
    variance = step.noisy**2 * (1 - at) + step.deviation**2
    assert variance == pytest.approx(1 - then, abs=2e-3)


def test_the_last_step_ends_at_the_prediction_but_for_the_published_rounding():
    step = posterior(0, None)
    assert step.clean == pytest.approx(0.999472, abs=1e-6)  # stored with the published scheduler
    assert step.noisy == step.deviation == 0
