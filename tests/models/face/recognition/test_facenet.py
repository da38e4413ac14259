"""FaceNet: the published keys and sizes, one block by hand, and what it is shown of a face."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from likeness.models.errors import UnknownCheckpointError
from likeness.models.face.recognition.facenet import PUBLISHED, FaceNet
from likeness.models.weights.signatures import FACENET, known_files
from likeness.models.weights.state_dict import identify
from likeness.tests.people import crop_photo
from torch.nn.functional import batch_norm, conv2d

# Of facenet-pytorch's InceptionResnetV1, read from its source: some keys of every part with their shapes.
PUBLISHED_SHAPES = {
    "conv2d_1a.conv.weight": (32, 3, 3, 3),
    "conv2d_4b.bn.running_var": (256,),
    "repeat_1.4.branch0.conv.weight": (32, 256, 1, 1),
    "repeat_1.0.branch2.2.conv.weight": (32, 32, 3, 3),
    "repeat_1.0.conv2d.bias": (256,),
    "mixed_6a.branch0.conv.weight": (384, 256, 3, 3),
    "mixed_6a.branch1.2.conv.weight": (256, 192, 3, 3),
    "repeat_2.9.branch1.1.conv.weight": (128, 128, 1, 7),
    "repeat_2.9.branch1.2.conv.weight": (128, 128, 7, 1),
    "repeat_2.0.conv2d.weight": (896, 256, 1, 1),
    "mixed_7a.branch2.2.conv.weight": (256, 256, 3, 3),
    "repeat_3.4.branch1.1.conv.weight": (192, 192, 1, 3),
    "block8.conv2d.weight": (1792, 384, 1, 1),
    "last_linear.weight": (512, 1792),
    "last_bn.running_mean": (512,),
}


@pytest.fixture(scope="module")
def weights():
    torch.manual_seed(0)
    network = FaceNet()
    for name, buffer in network.named_buffers():
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    return network.state_dict()


def test_keys_and_sizes_are_the_published_ones(weights):
    assert {key: tuple(weights[key].shape) for key in PUBLISHED_SHAPES} == PUBLISHED_SHAPES
    trained = sum(value.numel() for key, value in weights.items() if "running" not in key and "num_" not in key)
    assert trained == 23_482_624
    assert identify(weights, known_files()).kind == FACENET


@torch.no_grad()
def test_a_file_gives_the_same_network_and_its_classes_are_left_out(weights):
    network = FaceNet.from_state_dict(weights | {"logits.weight": torch.zeros(9, 512), "logits.bias": torch.zeros(9)})
    pixels = torch.randn(2, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    found = network(pixels)
    assert found.shape == (2, FaceNet.width)
    torch.testing.assert_close(found, torch.cat([network(one) for one in pixels.split(1)]), rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_a_block_is_what_its_layers_say(weights):
    block = FaceNet.from_state_dict(weights).repeat_3[0]
    x = torch.randn(1, 1792, 3, 3, generator=torch.Generator().manual_seed(1))

    def layer(x, name, padding=0):
        x = conv2d(x, weights[f"repeat_3.0.{name}.conv.weight"], padding=padding)
        mean, var, scale, shift = (
            weights[f"repeat_3.0.{name}.bn.{each}"] for each in ("running_mean", "running_var", "weight", "bias")
        )
        return batch_norm(x, mean, var, scale, shift, eps=0.001).relu()

    long = layer(layer(layer(x, "branch1.0"), "branch1.1", (0, 1)), "branch1.2", (1, 0))
    joined = torch.cat([layer(x, "branch0"), long], 1)
    added = conv2d(joined, weights["repeat_3.0.conv2d.weight"], weights["repeat_3.0.conv2d.bias"])
    torch.testing.assert_close(block(x), (x + 0.2 * added).relu(), rtol=1e-4, atol=1e-4)


def test_the_last_block_has_no_relu(weights):
    block = FaceNet.from_state_dict(weights).block8
    with torch.no_grad():
        assert (block(torch.randn(1, 1792, 3, 3)) < 0).any()


def test_another_file_is_told(weights):
    with pytest.raises(UnknownCheckpointError, match="last_bn"):
        FaceNet.from_state_dict({key: value for key, value in weights.items() if "last_bn" not in key})


def test_it_sees_the_box_of_a_face_and_not_its_surroundings():
    picture = np.zeros((224, 224, 3), np.uint8)
    picture[40:184, 40:184] = (255, 128, 0)
    face = crop_photo(picture).taken
    pixels = FaceNet.pixels([face], [picture])
    assert pixels.shape == (1, 3, 160, 160)
    expected = torch.tensor([127.5, 0.5, -127.5]) / 128
    torch.testing.assert_close(pixels[0].mean((1, 2)), expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("box", [(-9, -9, 3, 3), (223.5, 223.5, 224, 224), (100, 100, 100.2, 100.2)])
def test_a_box_of_next_to_nothing_breaks_nothing(box):
    picture = np.zeros((224, 224, 3), np.uint8)
    face = replace(crop_photo(picture).taken, box=np.float32(box))
    assert torch.isfinite(FaceNet.pixels([face], [picture])).all()


def test_it_carries_its_threshold():
    assert (PUBLISHED.measure, PUBLISHED.threshold) == ("cosine", 0.45)
