"""One thread for pictures as small as these, and denormals as every other test has them."""

from __future__ import annotations

import pytest
import torch
from likeness.tests.one_thread import one_thread as one_thread


@pytest.fixture(autouse=True)
def denormals():
    """Take back what a command that trains does to its process."""
    yield
    torch.set_flush_denormal(False)
