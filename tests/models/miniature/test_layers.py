"""What small networks are made of."""

from __future__ import annotations

import pytest
import torch
from likeness.models.miniature.layers import normed_convolution


@pytest.mark.parametrize(("stride", "size"), [(1, (12, 8)), (2, (6, 4))])
def test_a_stride_divides_the_sides(stride, size):
    torch.manual_seed(0)
    layer = normed_convolution(3, 16, stride)
    assert layer(torch.randn(2, 3, 12, 8)).shape == (2, 16, *size)


def test_how_strong_a_picture_is_makes_no_difference():
    torch.manual_seed(0)
    layer = normed_convolution(3, 16, 1)
    layer[0].bias.data.zero_()
    pixels = torch.randn(1, 3, 8, 8)
    torch.testing.assert_close(layer(100 * pixels), layer(pixels), atol=1e-3, rtol=1e-3)
    assert layer(pixels).std() > 0.1


def test_every_picture_is_normed_alone():
    torch.manual_seed(0)
    layer = normed_convolution(3, 16, 1).train()
    pixels = torch.randn(3, 3, 8, 8) * torch.tensor([1.0, 5.0, 25.0])[:, None, None, None]
    for row in range(3):
        torch.testing.assert_close(layer(pixels)[row], layer(pixels[row : row + 1])[0])
