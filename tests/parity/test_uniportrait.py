"""Our code against stored outputs of the published UniPortrait code, each case within its own tolerance."""

import pytest
import torch
from likeness.tests.parity.folder import folder_of
from likeness.tests.parity.recipe import report
from likeness.tests.parity.uniportrait import cases, context_cases


@pytest.mark.parametrize("run", cases.CASES + context_cases.CASES)
@torch.no_grad()
def test_case(run):
    comparisons = list(run(folder_of("uniportrait", cases.HERE)))

    assert comparisons
    assert report(comparisons) == []
