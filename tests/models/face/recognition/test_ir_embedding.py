"""IR-101's embedding: the published keys, and a file without them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.models.errors import UnknownCheckpointError
from likeness.models.face.iresnet import IResNet
from likeness.models.face.recognition.ir_embedding import IREmbedding, pixels_of

STAGES = [(8, 2), (12, 1), (16, 1), (24, 1)]


def published(width=12):
    """A small state dict with the published keys."""
    torch.manual_seed(0)
    network = IREmbedding(IResNet(8, STAGES), width)
    for name, buffer in network.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.1)
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    backbone = network.backbone.state_dict()
    return backbone | {f"output_layer.{key}": value for key, value in network.output_layer.state_dict().items()}


def crops(rows=2):
    return np.random.default_rng(0).integers(0, 256, (rows, 112, 112, 3), dtype=np.uint8)


@torch.no_grad()
def test_it_is_what_the_published_layers_say():
    weights = published()
    pixels = pixels_of(crops())
    [*_, deepest] = IResNet.from_state_dict(weights)(pixels)
    head = {key.removeprefix("output_layer."): value for key, value in weights.items() if key.startswith("output")}

    def norm(x, place, shape):
        mean, var = head[f"{place}.running_mean"].view(shape), head[f"{place}.running_var"].view(shape)
        return (x - mean) / (var + 1e-5).sqrt()

    x = norm(deepest, 0, (1, -1, 1, 1)) * head["0.weight"].view(1, -1, 1, 1) + head["0.bias"].view(1, -1, 1, 1)
    expected = norm(x.flatten(1) @ head["3.weight"].T + head["3.bias"], 4, (1, -1))
    found = IREmbedding.from_state_dict(weights)(pixels)
    assert found.shape == (2, 12)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_batch_of_two_equals_two_of_one():
    network = IREmbedding.from_state_dict(published())
    pixels = pixels_of(crops())
    torch.testing.assert_close(network(pixels), torch.cat([network(one) for one in pixels.split(1)]))


def test_the_published_sizes():
    with torch.device("meta"):
        network = IREmbedding(IResNet(64, [(64, 3), (128, 13), (256, 30), (512, 3)]), 512)
    assert network.output_layer[3].weight.shape == (512, 25088)


def test_a_file_without_the_embedding_is_told():
    weights = {key: value for key, value in published().items() if not key.startswith("output_layer")}
    with pytest.raises(UnknownCheckpointError, match="x holds the backbone alone"):
        IREmbedding.from_state_dict(weights, "x")


def test_missing_layers_are_named():
    weights = published()
    del weights["output_layer.4.running_var"]
    with pytest.raises(UnknownCheckpointError, match="running_var"):
        IREmbedding.from_state_dict(weights, "x")


def test_pixels_are_rgb_from_minus_one_to_one():
    pictures = np.zeros((1, 112, 112, 3), np.uint8)
    pictures[..., 0] = 255
    assert pixels_of(pictures)[0, :, 0, 0].tolist() == [1, -1, -1]
