"""Our code against stored outputs of the published UniPortrait code, each case within its own tolerance."""

import pytest
import torch
from likeness.tests.parity.recipe import report
from likeness.tests.parity.uniportrait import cases


@pytest.mark.parametrize("run", cases.CASES)
@torch.no_grad()
def test_case(run):
    comparisons = list(run())

    assert comparisons
    assert report(comparisons) == []
