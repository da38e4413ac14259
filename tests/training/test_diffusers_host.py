"""Programs outside the pack attach residuals by the name that they know."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.tests.training.small_world import small_base
from likeness.training.diffusers_host import attach


class AddsOne:
    def wants(self, site):
        return site.index == 1

    def __call__(self, site, call):
        return torch.ones_like(call.query)


@torch.no_grad()
def test_a_residual_acts_until_it_is_taken_off():
    unet = small_base().unet

    def draw():
        return unet(torch.ones(1, 4, 8, 8), torch.tensor(500), torch.ones(1, 7, 24)).sample

    plain = draw()
    detach = attach(unet, AddsOne())
    changed = draw()
    detach()
    assert not torch.allclose(changed, plain)
    assert torch.equal(draw(), plain)
