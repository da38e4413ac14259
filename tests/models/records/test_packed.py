"""The byte of every place: whose it is and how clearly."""

from __future__ import annotations

import pytest
import torch
from likeness.models.records.packed import bits_of_winner, pack


def unpacked(data, people):
    bits = 8 - bits_of_winner(people)
    return (data.int() >> bits).tolist(), ((data.int() & ((1 << bits) - 1)) / ((1 << bits) - 1)).flatten().tolist()


def test_winner_and_margin_of_every_place():
    first = torch.tensor([[1.0, 0.2, 0.3]])
    second = torch.tensor([[0.0, 0.7, 0.1]])
    data = pack(torch.stack([first, second]), 64)
    assert data.dtype == torch.uint8
    winners, margins = unpacked(data, 2)
    assert winners == [[1, 2, 0]]  # the last place is nobody's: 0.6 against 0.3
    assert margins == pytest.approx([1, 0.5, 0.3], abs=0.01)


@pytest.mark.parametrize("people", [1, 2, 3, 4, 7, 8, 20, 255])
def test_any_number_of_people_fits(people):
    maps = torch.eye(people)[:, None]  # person p has place p
    winners, margins = unpacked(pack(maps, people), people) if people < 128 else (pack(maps, people).tolist(), [1])
    assert winners == [list(range(1, people + 1))]
    assert set(margins) == {1}


def test_a_large_grid_is_averaged_and_keeps_its_shape():
    maps = torch.zeros(1, 32, 96)
    maps[:, :, 48:] = 1
    data = pack(maps, 24)
    assert data.shape == (8, 24)
    assert unpacked(data, 1)[0][0] == [0] * 12 + [1] * 12
    assert pack(torch.ones(1, 1, 300), 4).shape == (1, 4)


def test_nothing_is_read_back_from_the_device():
    maps = torch.empty(2, 96, 64, device="meta")  # has no values that could be read
    data = pack(maps, 48)
    assert (data.device.type, data.dtype, tuple(data.shape)) == ("meta", torch.uint8, (48, 32))
