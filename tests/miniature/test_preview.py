"""The preview that ships is what the program fits, and shows pictures that it was not fitted to."""

from __future__ import annotations

import pytest
import torch
from likeness.miniature.preview import correlation, fit
from likeness.models.miniature.files import BASE
from likeness.models.miniature.preview import BIAS, FACTORS

pytestmark = pytest.mark.skipif(not BASE.is_file(), reason="the miniature is not trained yet")


def test_other_pictures_say_the_same():
    factors, bias = fit(48, seed=5)
    torch.testing.assert_close(factors, torch.tensor(FACTORS), atol=0.02, rtol=0)
    torch.testing.assert_close(bias, torch.tensor(BIAS), atol=0.02, rtol=0)


def test_the_preview_follows_pictures_that_it_never_saw():
    assert correlation(32, seed=6) > 0.96
