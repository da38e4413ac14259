"""Features of reference pictures are read as one picture of a batch sees them, and readers know who reads the same."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.attention import attach
from likeness.diffusers_host.feature_capture import capture_features
from likeness.diffusers_host.noise_levels import level_at, nearest_timestep
from likeness.diffusers_host.prompted import Prompted
from likeness.diffusers_host.reference_features import ReferenceReader
from likeness.models.port.attention import Run
from likeness.models.port.guidance import FeatureCapture
from likeness.tests.diffusers_host.small_drawing import CAPTURE, PROMPTS, SIDE
from likeness.tests.diffusers_host.small_drawing import base as base
from likeness.tests.diffusers_host.small_drawing import prompted as prompted


class Adds:
    """A residual that adds another number for every picture, and remembers which ones it saw."""

    def __init__(self):
        self.samples = []

    def wants(self, site):
        return site.kind == "cross"

    def __call__(self, site, call):
        self.samples.append(call.samples)
        return torch.tensor(call.samples, dtype=torch.float32)[:, None, None].expand_as(call.base)


def test_references_are_read_with_the_prompt_and_the_people_of_their_picture(base, prompted):
    latent = torch.randn(1, 4, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    percent, seed = 0.6, 3
    sigma = level_at(percent)
    noise = torch.randn(latent.shape, generator=torch.Generator().manual_seed(seed))
    noisy = (latent * base.latent_scale + sigma * noise) / (1 + sigma**2) ** 0.5
    adds = Adds()
    detach = attach(base.unet, adds, context=prompted.context)
    try:
        with capture_features(base.unet, CAPTURE) as captured, torch.no_grad():
            prompted.positive(noisy.expand(2, -1, -1, -1), nearest_timestep(sigma), sigma)
        adds.samples.clear()
        read = [ReferenceReader(prompted, row, CAPTURE)(latent, percent, seed) for row in range(2)]
    finally:
        detach()
    assert set(adds.samples) == {(0,), (1,)}
    for row in range(2):
        torch.testing.assert_close(read[row], captured.features[row], atol=1e-4, rtol=0)
    assert not torch.allclose(read[0], read[1], atol=1e-2)


def test_readers_are_equal_where_they_read_the_same(base, prompted):
    residual, other = Adds(), Adds()
    key = ReferenceReader(prompted, 0, CAPTURE).key
    assert key == ReferenceReader(Prompted.of(base, PROMPTS[:1], Run()), 0, CAPTURE).key
    assert key != ReferenceReader(prompted, 1, CAPTURE).key  # another prompt
    assert key != ReferenceReader(prompted, 0, FeatureCapture(0)).key
    attached = [ReferenceReader(prompted, 0, CAPTURE, attached=(each,)).key for each in (residual, residual, other)]
    assert attached[0] == attached[1]
    assert key != attached[0] != attached[2]
