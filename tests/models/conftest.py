"""Values that several of these tests begin with."""

import pytest
import torch
from likeness.models.port.attention import AttentionCall, Polarity, Run


@pytest.fixture(scope="session")
def call():
    """A builder: an empty call of one attention layer, `call(grid, samples=(0,), crop=None, sigma=1.0)`."""

    def build(grid, samples=(0,), crop=None, sigma=1.0):
        hidden = torch.zeros(len(samples), grid[0] * grid[1], 8)
        return AttentionCall(
            hidden=hidden,
            query=hidden,
            base=hidden,
            heads=2,
            grid=grid,
            polarity=Polarity.POSITIVE,
            samples=samples,
            sigma=sigma,
            crop=crop,
            run=Run(),
        )

    return build
