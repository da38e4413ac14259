"""Training of a method on the miniature's base: what it is shown, how attention is computed, and that it comes off."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0
from likeness.miniature.recipe import attached
from likeness.miniature.recipe.attached import train_attached
from likeness.tests.miniature.small_base import base as base
from likeness.tests.miniature.small_base import hooks_on
from likeness.tests.miniature.small_recipe import FEW_STEPS
from torch import nn


class Scales(nn.Module):
    """Multiplies what a layer of the base puts out, until it is detached."""

    def __init__(self, base):
        super().__init__()
        self.base = base
        self.scale = nn.Parameter(torch.ones(()))
        self._hook = base.unet.conv_in.register_forward_hook(lambda module, given, out: self.scale * out)

    def forward(self, batch):
        latents, noise = batch
        said = self.base.unet(latents, torch.tensor(500), torch.ones(len(latents), 7, 16)).sample
        return {"loss": (said.float() - noise).square().mean(), "other": torch.zeros(())}

    def detach(self):
        self._hook.remove()


class NotingPool:
    """A pool that notes what it was asked for."""

    def __init__(self):
        self.asked = []

    def batch(self, base, draws):
        self.asked.append((base, draws))
        return draws.normal("latents", (4, 8, 8)), draws.normal("noise", (4, 8, 8))


def kinds(base):
    return {type(one) for one in base.unet.attn_processors.values()}


def test_a_method_learns_from_the_pool_and_comes_off(base, tmp_path):
    method, pool = Scales(base), NotingPool()
    train_attached(method, pool, FEW_STEPS, tmp_path)
    assert [(given, draws) for given, draws in pool.asked] == [(base, FEW_STEPS.draws(step)) for step in range(2)]
    assert float(method.scale) != 1
    assert hooks_on(base.unet) == []
    assert kinds(base) == {AttnProcessor2_0}


def test_an_interruption_leaves_the_base_as_it_was(base, tmp_path, monkeypatch):
    method = Scales(base)

    def interrupt(config, network, loss, folder):
        assert (config, network, folder) == (FEW_STEPS, method, tmp_path)
        assert loss(config.draws(0)).requires_grad
        assert hooks_on(base.unet)
        assert kinds(base) == {AttnProcessor}
        raise InterruptedError

    monkeypatch.setattr(attached, "train", interrupt)
    with pytest.raises(InterruptedError):
        train_attached(method, NotingPool(), FEW_STEPS, tmp_path)
    assert hooks_on(base.unet) == []
    assert kinds(base) == {AttnProcessor2_0}
