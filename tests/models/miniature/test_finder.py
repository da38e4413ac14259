"""From what the detector's network says to faces in the picture's own pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.models.miniature.finder import CELL, SIDE, VALUES, FaceFinder, find_faces, normed_convolution, read_cells
from torch import nn

CELLS = SIDE // CELL
BOX = np.array([40.0, 24.0, 60.0, 52.0])  # in the network's picture
POINTS = np.array([[45.0, 34.0], [55.0, 33.0], [50.0, 40.0], [46.0, 45.0], [54.0, 46.0]])
HERE = (0.0, 0.0)


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


class Says(nn.Module):
    """Stands for a network: says what it was told, and keeps what it saw."""

    def __init__(self, *faces):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.said = torch.full((1, VALUES, CELLS, CELLS), -20.0)
        self.seen = None
        for score, shift in faces:
            box, points = BOX + np.tile(shift, 2), POINTS + np.array(shift)
            column, row = (int(value // CELL) for value in (box[:2] + box[2:]) / 2)
            middle = (np.array([column, row]) + 0.5) * CELL
            lengths = (np.concatenate((box.reshape(2, 2), points)) - middle) / CELL
            self.said[0, :, row, column] = torch.tensor([np.log(score / (1 - score)), *lengths.flatten()])

    def forward(self, pixels):
        self.seen = pixels
        return self.said


def picture(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("size", "scale"),
    [((128, 128), 1), ((512, 512), 4), ((64, 64), 0.5), ((200, 400), 3.125), ((384, 192), 3)],
    ids=["as seen", "large", "small", "wide", "tall"],
)
def test_faces_lie_in_the_pictures_own_pixels(size, scale):
    [face] = find_faces(Says((0.8, HERE)), picture(*size), 0.5)
    np.testing.assert_allclose(face.box, BOX * scale, rtol=1e-5)
    np.testing.assert_allclose(face.points, POINTS * scale - 0.5, rtol=1e-5)  # counted from the first pixel's middle
    assert face.score == pytest.approx(0.8)
    assert (face.box.dtype, face.points.dtype) == (np.float32, np.float32)


@pytest.mark.parametrize(
    ("size", "place"), [((128, 128), (80, 40)), ((256, 64), (160, 40)), ((37, 100), (20, 60)), ((500, 60), (350, 40))]
)
def test_a_mark_is_found_where_it_is(size, place):
    """The network sees the mark at some place; what it says of that place has to lead back to the mark."""
    marked = np.zeros((*size, 3), np.uint8)
    top, left = place
    reach = max(1, max(size) // 64)
    marked[top - reach : top + reach, left - reach : left + reach] = 255
    network = Says()
    find_faces(network, marked, 0.5)
    assert network.seen.shape == (1, 3, SIDE, SIDE)
    shares = network.seen[0, 0] / network.seen[0, 0].sum()
    middles = torch.arange(SIDE) + 0.5
    seen = np.array([float(shares.sum(0) @ middles), float(shares.sum(1) @ middles)])
    [face] = find_faces(Says((0.9, seen - POINTS[2])), marked, 0.5)
    np.testing.assert_allclose(face.points[2], [left - 0.5, top - 0.5], atol=0.05 * max(size) / SIDE)


def test_the_surer_of_two_boxes_that_overlap_is_kept():
    near, far = (8.0, 0.0), (16.0, 0.0)  # of a box 20 pixels wide: overlaps of 0.43 and 0.11
    [face] = find_faces(Says((0.7, HERE), (0.9, near)), picture(128, 128), 0.5)
    assert face.score == pytest.approx(0.9)
    assert len(find_faces(Says((0.7, HERE), (0.9, far)), picture(128, 128), 0.5)) == 2


def test_faces_come_with_the_surest_first_and_none_below_the_lowest_score():
    network = Says((0.6, HERE), (0.9, (40, 0)), (0.3, (0, 60)), (0.7, (40, 60)))
    for lowest, scores in ((0.2, [0.9, 0.7, 0.6, 0.3]), (0.65, [0.9, 0.7]), (0.95, [])):
        found = find_faces(network, picture(128, 128), lowest)
        assert [face.score for face in found] == pytest.approx(scores)


def test_cells_are_read_row_by_row():
    scores, lengths = read_cells(torch.zeros(2, VALUES, 3, 4))
    assert torch.equal(scores, torch.full((2, 12), 0.5))
    assert lengths.shape == (2, 12, 14)
    assert lengths[1, 4 + 2].unflatten(0, (7, 2)).tolist() == [[20.0, 12.0]] * 7  # the middle of row 1, column 2


def test_a_network_says_something_of_every_cell():
    assert FaceFinder()(torch.rand(2, 3, 64, 96)).shape == (2, VALUES, 64 // CELL, 96 // CELL)
