"""Our code against stored outputs of the published ConsistentID code, each case within its own tolerance."""

import os
from pathlib import Path

import pytest
import torch
from likeness.tests.parity.consistentid import cases, pipeline_cases
from likeness.tests.parity.consistentid.stored import HERE
from likeness.tests.parity.recipe import report

FOLDER = Path(os.environ.get("PARITY_CONSISTENTID_PATH", HERE))


@pytest.mark.parametrize("run", cases.CASES + pipeline_cases.CASES)
@torch.no_grad()
def test_case(run):
    comparisons = list(run(FOLDER))

    assert comparisons
    assert report(comparisons) == []
