"""Clock and counts of a card, and of the CPU in its place."""

from __future__ import annotations

import time

import pytest
import torch
from likeness.benchmarks.card import CPUInPlace, CUDACard


def test_the_cpu_has_a_clock_and_counts_operations():
    card = CPUInPlace()
    before = card.clock()
    time.sleep(0.02)
    assert card.clock() - before >= 0.02
    held = torch.zeros(3)
    assert card.launches(lambda: (held + 1).mul_(2).view(3, 1)) == 2
    assert (card.device.type, card.dtype) == ("cpu", torch.float32)


@pytest.mark.gpu
def test_a_card_has_a_clock_that_waits_and_counts_kernels():
    card = CUDACard()
    held = torch.zeros(4096, 4096, device=card.device)
    before = card.clock()
    held.mm(held)
    after = card.clock()
    assert after > before
    assert card.clock() - after < after - before + 1
    assert card.launches(lambda: (held + 1).mul_(2).view(-1)) == 2
    assert (card.device.type, card.dtype) == ("cuda", torch.float16)
