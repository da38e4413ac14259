"""Features are read where the tap is, with a graph that ends there."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.feature_capture import ReachedError, capture_features
from likeness.models.errors import InvalidSettingError
from likeness.models.port.guidance import FeatureCapture
from likeness.tests.diffusers_host.small_drawing import CAPTURE, NOISE, SIDE, SIGMA, hooks
from likeness.tests.diffusers_host.small_drawing import base as base
from likeness.tests.diffusers_host.small_drawing import prompted as prompted


@pytest.mark.parametrize("block", [0, 1, 2])
def test_a_tap_gives_what_the_next_output_block_begins_with(base, prompted, block):
    following = [resnet for level in base.unet.up_blocks for resnet in level.resnets][block + 1]
    seen = []
    handle = following.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    with capture_features(base.unet, FeatureCapture(block)) as captured, torch.no_grad():
        prompted.positive(NOISE, 500, SIGMA)
    handle.remove()
    features = captured.features
    assert torch.equal(seen[0][:, : features.shape[1]], features)
    assert features.shape[2:] == ((4, 4) if block == 0 else (SIDE, SIDE))


@pytest.mark.parametrize("block", [-1, 3, 9])
def test_a_tap_without_a_block_behind_it_is_refused(base, block):
    with (
        pytest.raises(InvalidSettingError, match=f"output block {block}, but this UNet has 4"),
        capture_features(base.unet, FeatureCapture(block)),
    ):
        pass


def test_no_graph_is_built_behind_the_tap_and_nothing_changes(base, prompted):
    with torch.no_grad():
        plain = prompted.positive(NOISE, 500, SIGMA)
    leaf = NOISE.clone().requires_grad_(True)
    before = hooks(base)
    with capture_features(base.unet, CAPTURE) as captured:
        said = prompted.positive(leaf, 500, SIGMA)
    assert torch.equal(said.detach(), plain)
    assert not said.requires_grad
    assert captured.features.requires_grad
    assert hooks(base) == before


def test_a_call_for_features_alone_ends_at_the_tap(base, prompted):
    before = hooks(base)
    later = []
    handle = base.unet.conv_out.register_forward_hook(lambda *args: later.append(args))
    with pytest.raises(ReachedError), capture_features(base.unet, CAPTURE, is_all=True) as captured:
        prompted.positive(NOISE, 500, SIGMA)
    handle.remove()
    assert captured.features.shape[1] == 64
    assert not later
    assert hooks(base) == before
