"""When an effect is on: windows, and the noise levels of delayed merging."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from likeness.models.placement.windows import ALWAYS, SigmaWindow, beside, merge_boundary

SIGMAS = [14.6, 5.0, 2.0, 0.7, 0.0]


def test_a_window_holds_both_of_its_ends():
    window = SigmaWindow(5.0, 1.0)
    assert [window.contains(sigma) for sigma in (5.1, 5.0, 3.0, 1.0, 0.9)] == [False, True, True, True, False]
    assert ALWAYS.contains(0.0)
    assert ALWAYS.contains(math.inf)


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("step", range(-2, 7))
def test_every_step_is_in_one_phase(step, inclusive):
    last_text, first_merged = merge_boundary(SIGMAS, step, inclusive=inclusive)
    for index, sigma in enumerate(SIGMAS[:-1]):
        text_alone = index <= step if inclusive else index < step
        assert (sigma >= last_text) is text_alone
        assert (sigma <= first_merged) is not text_alone


def test_levels_between_two_steps_belong_to_the_earlier_one():
    last_text, first_merged = merge_boundary(SIGMAS, 1, inclusive=True)
    assert 2.0 < first_merged < last_text < 2.1


@given(st.floats(1e-4, 1e6))
def test_nothing_lies_between_the_two_levels(sigma):
    above, below = (np.float32(level) for level in beside(sigma))
    assert below == np.nextafter(above, np.float32(0))
    assert sigma < below < sigma * (1 + 2e-5)
