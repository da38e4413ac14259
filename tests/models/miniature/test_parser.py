"""The small face parser: pictures of any size, and labels that lie where the pixels are that they speak of."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.models.face.parsing import LABELS, FaceParser
from likeness.models.miniature.parser import FOLD, SIDE, MiniatureParser


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return MiniatureParser().eval().requires_grad_(False)


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def test_every_label_has_a_score_of_its_own(network):
    """The last layer decides: raised for one label, that one wins everywhere, and nothing else is changed."""
    pixels = noise(1, 3, 32, 32)
    [before] = network(pixels)
    assert before.shape[1] == len(LABELS)
    bias, each = network.head[1].bias, FOLD**2  # positions that one label has in it
    for label in range(len(LABELS)):
        bias[label * each : (label + 1) * each] += 100
        [scores] = network(pixels)
        bias[label * each : (label + 1) * each] -= 100
        assert (scores.argmax(1) == label).all()
        others = [other for other in range(len(LABELS)) if other != label]
        torch.testing.assert_close(scores[:, others], before[:, others], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("size", [64, 100, SIDE, 200, 512])
def test_pictures_of_any_size_get_scores_of_their_size(network, size):
    [scores] = network(noise(2, 3, size, size))
    assert scores.shape == (2, 19, size, size)
    assert scores.std() > 0


@pytest.mark.parametrize("size", [64, SIDE, 512])
def test_the_network_looks_at_one_size_whatever_it_is_given(network, size):
    seen = []
    handle = network.fine[0].register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    flat = torch.full((1, 3, size, size), 0.7)
    network(flat)
    handle.remove()
    assert seen[0].shape == (1, 3, SIDE, SIDE)
    torch.testing.assert_close(seen[0], torch.full((1, 3, SIDE, SIDE), 0.7))


def test_a_picture_gets_the_scores_that_it_gets_alone(network):
    pictures = noise(3, 3, 96, 96)
    [together] = network(pictures)
    for number in range(3):
        [alone] = network(pictures[number : number + 1])
        torch.testing.assert_close(together[number : number + 1], alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("size", "row", "column"), [(SIDE, 20, 100), (SIDE, 101, 31), (256, 200, 60)])
def test_a_label_is_decided_by_the_pixels_around_it(network, size, row, column):
    pixels = noise(1, 3, size, size).requires_grad_()
    [scores] = network(pixels)
    scores[..., row, column].square().sum().backward()
    weights = pixels.grad[0].square().sum(0)
    weights = weights / weights.sum()
    places = torch.arange(size).float()
    assert abs(float(weights.sum(1) @ places) - row) < size / 32
    assert abs(float(weights.sum(0) @ places) - column) < size / 32
    near = weights[row - size // 8 : row + size // 8, column - size // 8 : column + size // 8]
    assert near.sum() > 0.6  # of a sixteenth of the picture


@pytest.mark.parametrize("size", [64, 512])
def test_a_face_parser_takes_it_for_its_network(network, size):
    picture = np.random.default_rng(0).integers(0, 256, (90, 130, 3), np.uint8)
    labels = FaceParser(network).parse(picture, size)
    assert (labels.shape, labels.dtype) == ((size, size), np.uint8)
    assert labels.max() < 19
    assert len(np.unique(labels)) > 1
    whole = FaceParser(network).parse_picture(picture, size)
    assert whole.shape == (90, 130)
    assert whole.max() < 19
