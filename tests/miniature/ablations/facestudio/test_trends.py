"""What a sweep is expected to show."""

from __future__ import annotations

import math

import numpy as np
import pytest
from likeness.miniature.ablations.claims import HOLDS, REFUTED, UNDECIDED
from likeness.miniature.ablations.facestudio.trends import LEAST, Side, Trend

ARMS = ("a", "b", "c", "d", "e")


def values(means, spread=0.01, pictures=64):
    numbers = np.random.default_rng(0)
    return {
        arm: {"metric": (mean + numbers.normal(0, spread, pictures)).tolist()}
        for arm, mean in zip(ARMS, means, strict=True)
    }


def test_what_rises_rises_and_does_not_fall():
    rising = values((0.1, 0.3, 0.5, 0.7, 0.9))
    found, verdict = Trend("metric", ARMS, "rises").test(rising)
    assert (found.mean, found.low, found.high, verdict) == (1.0, 1.0, 1.0, HOLDS)
    assert Trend("metric", ARMS, "falls").test(rising)[1] == REFUTED
    assert Trend("metric", ARMS[::-1], "falls").test(rising)[1] == HOLDS


def test_one_pair_of_neighbours_may_have_changed_places():
    found, verdict = Trend("metric", ARMS, "rises").test(values((0.1, 0.5, 0.3, 0.7, 0.9)))
    assert found.mean == pytest.approx(LEAST)
    assert verdict == HOLDS


def test_noise_leaves_it_undecided_and_what_stays_has_no_trend():
    assert Trend("metric", ARMS, "rises").test(values((0.1, 0.12, 0.14, 0.16, 0.18), 0.2))[1] == UNDECIDED
    found, verdict = Trend("metric", ARMS, "rises").test(values((0.5,) * 5, 0.0))
    assert (found.mean, verdict) == (0.0, REFUTED)


def test_only_pictures_that_all_arms_have_count():
    rising = values((0.1, 0.3, 0.5, 0.7, 0.9))
    rising["b"]["metric"] = rising["b"]["metric"][:3]
    rising["c"]["metric"][0] = math.nan
    assert Trend("metric", ARMS, "rises").test(rising)[1] == HOLDS
    rising["b"]["metric"] = [math.nan]
    found, verdict = Trend("metric", ARMS, "rises").test(rising)
    assert math.isnan(found.mean)
    assert verdict == UNDECIDED


def test_words_for_a_report():
    trend, side = Trend("style", ("α = 0", "half", "α = 1"), "falls", why="so."), Side("leaning", "α = 0", "below 0")
    assert trend.difference == "style: Spearman's coefficient from α = 0 by half to α = 1"
    assert (trend.demand, Trend("style", ARMS, "rises").demand, trend.why) == ("at most -0.9", "at least 0.9", "so.")
    assert (side.difference, side.demand) == ("leaning: α = 0", "below 0")


@pytest.mark.parametrize(
    ("mean", "above", "below"), [(0.5, HOLDS, REFUTED), (-0.5, REFUTED, HOLDS), (0.0, UNDECIDED, UNDECIDED)]
)
def test_a_side(mean, above, below):
    shown = {"a": {"metric": [mean - 0.1, mean, mean, mean + 0.1]}}
    assert Side("metric", "a", "above 0").test(shown)[1] == above
    assert Side("metric", "a", "below 0").test(shown)[1] == below
