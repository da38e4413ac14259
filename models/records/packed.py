"""Who stands where, as one byte for every place: small enough to be sent to a page while a picture is drawn."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

BYTE = 8  # bits
FEWEST_BITS = 2  # that name the winner: nobody and up to three people


def bits_of_winner(people: int) -> int:
    """Return how many of a byte's highest bits say who wins a place, if there are N people; the rest says how clearly."""
    return max(FEWEST_BITS, people.bit_length())


def pack(maps: Tensor, most: int) -> Tensor:
    """Return a byte for every place: who has most of it (0 for nobody, 1 for the first person) and by how much.

    Nothing is read back: the result stays where the maps are.

    Args:
        maps: weights of N people, (N, h, w), 0–1; what is missing to 1 is nobody's. N is at most 255.
        most: places on the longer side; a larger grid is averaged.

    Returns:
        (h', w') uint8, winner << (8 - bits) | margin; the largest margin, all bits set, is 1.
    """
    height, width = maps.shape[-2:]
    longer = max(height, width)
    if longer > most:
        size = (max(1, round(height * most / longer)), max(1, round(width * most / longer)))
        maps = adaptive_avg_pool2d(maps, size)
    nobody = (1 - maps.sum(0, keepdim=True)).clamp(min=0)
    best = torch.cat([nobody, maps]).topk(2, dim=0)
    bits = BYTE - bits_of_winner(len(maps))
    margin = ((best.values[0] - best.values[1]).clamp(0, 1) * ((1 << bits) - 1)).round()
    return (best.indices[0] << bits).to(torch.uint8) | margin.to(torch.uint8)
