"""Windows between shares of a schedule, which a node after Apply may change."""

from __future__ import annotations

import pytest
import torch

pytestmark = pytest.mark.comfy


class Noting:
    """A residual that adds nothing and notes at which steps a window was open."""

    def __init__(self, window):
        self.window = window
        self.seen = {}

    def wants(self, site):
        return site.index == 1

    def __call__(self, site, call):
        self.seen[call.sigma] = self.window.contains(call.sigma)
        return None


def with_schedule(model, most):
    """A clone of a MODEL with other noise levels, as ModelSamplingContinuousEDM makes it."""
    from comfy import model_sampling

    kind = type("Other", (model_sampling.ModelSamplingContinuousEDM, model_sampling.EPS), {})
    sampling = kind(model.model.model_config)
    sampling.set_parameters(0.03, most, 1.0)
    clone = model.clone()
    clone.add_object_patch("model_sampling", sampling)
    return clone


def test_a_window_is_a_share_of_the_schedule_of_the_run(tiny_model, sample):
    """The same steps are inside, whether the node that changes the schedule stands before Apply or after it."""
    from likeness.host.sampling.runs import sigma_window
    from likeness.host.unet.attention import inject

    found = []
    for is_first in (True, False):
        model = tiny_model()
        model = with_schedule(model, 4000.0) if is_first else model
        noting = Noting(sigma_window(model, 0.0, 0.5))
        model = inject(model, [noting], name="noting")
        sample(model if is_first else with_schedule(model, 4000.0), steps=6)
        found.append(noting.seen)
    assert found[0] == found[1]
    assert set(found[0].values()) == {True, False}
    assert max(found[0]) > 3000


def test_outside_of_runs_it_is_that_of_its_model(tiny_model):
    from likeness.host.sampling.runs import schedule_of, scheduled, sigma_window

    model = tiny_model()
    window = sigma_window(model, 0.2, 0.6)
    level = model.get_model_object("model_sampling").percent_to_sigma
    assert (window.start, window.end) == (level(0.2), level(0.6))
    assert window.contains(level(0.4))
    with scheduled(schedule_of(with_schedule(model, 4000.0))):
        assert not window.contains(level(0.4))
        assert window.contains(torch.tensor([4000.0, 0.03]).log().mean().exp().item())
    assert window.contains(level(0.4))
