"""The most that is held at once, against allocations that are known."""

from __future__ import annotations

import pytest
import torch
from likeness.benchmarks.peak_memory import Peak, most_held, peaks_of
from torch import nn

CPU = torch.device("cpu")
FLOATS = 2**18  # of a tensor of 1 MiB
MIB = 2**20
SLACK = 2**10  # bytes, for scalars


def test_the_most_is_what_was_allocated_and_not_yet_given_back():
    assert most_held([5, -5, 3, 4, -1]) == 7
    assert most_held([-9, 2]) == 0  # what was there before may go
    assert most_held([]) == 0


def weigh(call):
    with Peak(CPU) as peak:
        call()
    return peak.bytes


def test_tensors_count_while_they_live():
    def call():
        first = torch.zeros(FLOATS)
        second = first + 1
        del first
        third = second + 1  # into the place of the first
        del second, third
        torch.zeros(FLOATS // 2)

    assert weigh(call) == pytest.approx(2 * MIB, abs=SLACK)


def test_what_was_there_before_does_not_count():
    held = torch.zeros(FLOATS)
    assert weigh(lambda: held.add_(1)) <= SLACK
    assert weigh(lambda: held + 1) == pytest.approx(MIB, abs=SLACK)


def test_what_an_operation_holds_while_it_runs_counts():
    """The first factor is copied before it is multiplied, for its heads do not lie in a row."""
    tall = torch.zeros(2, FLOATS // 64, 4, 8).transpose(1, 2)
    assert weigh(lambda: tall @ torch.zeros(2, 4, 8, 1)) == pytest.approx(MIB + MIB // 8, abs=4 * SLACK)


def test_every_module_is_weighed_by_itself_and_its_largest_call_is_kept():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, hidden):
            return (hidden + 1) + 1

    first, second = Twice(), Twice()
    with torch.inference_mode(), peaks_of([first, second]) as found:
        first(torch.zeros(FLOATS))
        first(torch.zeros(2 * FLOATS))
        first(torch.zeros(FLOATS))
        kept = torch.zeros(4 * FLOATS)
        second(torch.zeros(FLOATS))
        del kept
    assert found[first] == pytest.approx(4 * MIB, abs=SLACK)
    assert found[second] == pytest.approx(2 * MIB, abs=SLACK)
    first(torch.zeros(8 * FLOATS))
    assert found[first] == pytest.approx(4 * MIB, abs=SLACK)
