"""Show Guidance: what was recorded of a run."""

import json

import pytest
import torch
from likeness.models.errors import MissingRecordingError
from likeness.tests.host.omniportrait.small_guidance import SIDE, apply, half, people

pytestmark = pytest.mark.comfy


def test_a_run_is_shown_as_curves_masks_and_numbers(run, loaded_model, sample):
    from likeness.nodes.omniportrait.show import ShowGuidance

    model = apply(loaded_model, people(half(), half("right"))).model
    with torch.inference_mode():
        latent = sample(model).clone()
    plot, masks, numbers = run(ShowGuidance, model=model, latent={"samples": latent})
    assert plot.ndim == 4
    assert masks.shape == (2, 8 * SIDE, 8 * SIDE)
    assert masks[0, :, :32].min() == masks[1, :, -32:].min() == 1
    assert {"Ann", "Ben"} <= set(json.dumps(json.loads(numbers)).replace('"', " ").split())
    with pytest.raises(MissingRecordingError, match="No guidance was recorded"):
        run(ShowGuidance, model=model, latent={"samples": latent + 1})
