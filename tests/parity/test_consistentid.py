"""Our code against stored outputs of the published ConsistentID code, each case within its own tolerance."""

import pytest
import torch
from likeness.tests.parity.consistentid import cases, pipeline_cases
from likeness.tests.parity.consistentid.stored import HERE
from likeness.tests.parity.folder import folder_of
from likeness.tests.parity.recipe import report


@pytest.mark.parametrize("run", cases.CASES + pipeline_cases.CASES)
@torch.no_grad()
def test_case(run):
    comparisons = list(run(folder_of("consistentid", HERE)))

    assert comparisons
    assert report(comparisons) == []
