"""What is counted when a MODEL is cloned."""

from __future__ import annotations

import pytest
import torch
from likeness.benchmarks.clones import growth, tensor_bytes

MEBIBYTE = 2**20


def test_tensors_that_share_a_storage_are_weighed_once():
    before = tensor_bytes()
    whole = torch.zeros(MEBIBYTE)
    parts = [whole[:10], whole.view(2, -1)]
    assert tensor_bytes() - before == 4 * MEBIBYTE
    del whole, parts
    assert tensor_bytes() == before


class Model:
    """Stands for a MODEL, whose clones share its weights or hold new ones."""

    def __init__(self, weights: torch.Tensor, shares: bool) -> None:
        self.weights, self.shares = weights, shares

    def clone(self) -> Model:
        return Model(self.weights if self.shares else self.weights.clone(), self.shares)


@pytest.mark.parametrize(("shares", "mebibytes"), [(True, 0), (False, 10)])
def test_ten_clones_are_weighed_together(shares, mebibytes):
    tensors, objects = growth(Model(torch.zeros(MEBIBYTE // 4), shares))
    assert tensors == mebibytes * MEBIBYTE
    assert 0 < objects < MEBIBYTE
