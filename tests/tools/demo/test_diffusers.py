"""The demo without ComfyUI: every arm on the second host."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.noise_levels import cpu_noise
from likeness.miniature.networks.checkpoint import read_base
from likeness.miniature.studio.drawing import Settings, decode, draw_latents
from likeness.tools.demo.diffusers import draw_on_diffusers
from likeness.tools.demo.scene import ARMS, PLAIN, SEED, SIZE


def test_arms_on_diffusers_differ_in_people_and_router_alone(small, paths, scene):
    pictures, maps = draw_on_diffusers(scene)
    assert {tuple(drawn.shape) for drawn in pictures.values()} == {(2, 3, SIZE, SIZE)}
    base, noise = read_base(paths["base"]), cpu_noise(SEED, (2, 4, SIZE // 8, SIZE // 8))
    settings = Settings(steps=2, guidance=scene.guidance)
    assert torch.equal(pictures[PLAIN], decode(base, draw_latents(base, [scene.two] * 2, noise, settings)))
    for place, arm in enumerate(ARMS):
        for other in ARMS[:place]:
            assert (pictures[arm] - pictures[other]).abs().max() > 1e-3, (arm, other)
    assert maps.shape[0] == 2
    assert maps.shape[1] > maps.shape[2] == SIZE  # with a legend
    assert len(maps[:, :SIZE].flatten(0, 2).unique(dim=0)) > 2  # not in equal parts
