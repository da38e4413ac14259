"""Means with intervals: as sure as they say, and the same for the same values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from likeness.evaluation.bootstrap import Estimate, difference, estimate, mean


def test_an_interval_covers_the_true_mean_about_as_often_as_it_says():
    draws = np.random.default_rng(1).normal(0.5, 1, (200, 60))
    found = [estimate(row.tolist()) for row in draws]
    assert 0.88 < np.mean([each.low < 0.5 < each.high for each in found]) < 0.99
    assert found[0] == estimate(draws[0].tolist())


def test_pairs_without_a_value_on_one_side_are_left_out():
    nothing = math.nan
    assert difference([1.0, nothing, 3.0], [0.0, 1.0, nothing]).mean == 1
    assert math.isnan(estimate([nothing]).mean)


def test_an_estimate_is_told_in_three_digits_without_a_minus_before_nothing():
    assert str(Estimate(-0.0001, -0.25, 0.12345)) == "0.000 [-0.250, 0.123]"


def test_a_mean_is_that_of_its_estimate_whatever_is_missing():
    values = [0.1, math.nan, 0.4, 0.7]
    assert mean(values) == estimate(values).mean == pytest.approx(0.4, abs=1e-12)
    assert math.isnan(mean([math.nan, math.nan]))
    assert math.isnan(mean([]))
