"""A face backbone under ComfyUI's memory management."""

from __future__ import annotations

import copy

import pytest
import torch
from likeness.models.face.iresnet import IResNet

pytestmark = pytest.mark.comfy

CHANNELS = (4, 6, 8, 10)


def network(seed=0):
    torch.manual_seed(seed)
    return IResNet(4, [(channels, 1) for channels in CHANNELS]).eval()


def managed(backbone):
    from likeness.host.encoders.backbone import manage_backbone

    return manage_backbone(backbone)


@pytest.fixture
def pixels():
    return torch.randn(2, 3, 112, 112, generator=torch.Generator().manual_seed(7))


def test_maps_are_the_network_s_own_on_the_cpu_without_a_graph(pixels):
    own = network(1)
    backbone = managed(copy.deepcopy(own))
    found = backbone.maps(pixels)
    assert backbone.channels == CHANNELS
    assert [tapped.shape for tapped in found] == [
        (2, width, 56 >> level, 56 >> level) for level, width in enumerate(CHANNELS)
    ]
    with torch.no_grad():
        for tapped, expected in zip(found, own(pixels), strict=True):
            assert (tapped.dtype, tapped.device.type, tapped.requires_grad) == (torch.float32, "cpu", False)
            torch.testing.assert_close(tapped, expected)


def test_a_face_is_read_once_whoever_asks_for_the_same_weights(pixels):
    first, again = network(2), network(2)
    read = []
    for each in (first, again):
        each.register_forward_hook(lambda module, inputs, output: read.append(len(inputs[0])))
    expected = managed(first).maps(pixels)
    assert read == [1, 1]
    backbone = managed(again)
    for found, each in zip(backbone.maps(pixels.flip(0)), expected, strict=True):
        assert torch.equal(found, each.flip(0))
    assert read == [1, 1]
    backbone.maps(pixels + 1)
    assert read == [1, 1, 1, 1]


def test_the_key_names_the_weights_whatever_their_type():
    key = managed(network(3)).key
    assert managed(network(3)).key == key
    assert managed(network(3).half()).key == key
    assert managed(network(4)).key != key
