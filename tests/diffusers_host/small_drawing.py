"""A tiny base that draws two pictures of 8 cells a side, asked with two prompts."""

from __future__ import annotations

import pytest
import torch
from likeness.diffusers_host.noise_levels import cpu_noise
from likeness.diffusers_host.prompted import Prompted
from likeness.models.miniature.sizes import BaseSizes
from likeness.models.port.attention import Run
from likeness.models.port.guidance import FeatureCapture
from likeness.tests.miniature.small_base import frozen_base

SIZES = BaseSizes(unet=(32, 64), vae=(16, 16), latent_channels=4, text=16, text_layers=1, text_heads=1)


PROMPTS = ("a man in red", "a girl in green")


SIDE = 8


NOISE = torch.cat([cpu_noise(seed, (1, 4, SIDE, SIDE)) for seed in range(2)])


CAPTURE = FeatureCapture(1)


SIGMA = 2.0


@pytest.fixture(scope="module")
def base():
    return frozen_base(SIZES)


@pytest.fixture
def prompted(base):
    return Prompted.of(base, PROMPTS, Run())


def hooks(base):
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in base.unet.modules())
