"""What a paper claims: when pictures show it, when they show the opposite, and what is said of it."""

from __future__ import annotations

import pytest

pytest.importorskip("diffusers")

import numpy as np
from likeness.miniature.ablations.claims import HOLDS, LEEWAY, REFUTED, UNDECIDED, Claim


@pytest.mark.parametrize(
    ("expected", "shift", "verdict"),
    [
        ("higher", 0.3, HOLDS),
        ("higher", -0.3, REFUTED),
        ("higher", 0.0, UNDECIDED),
        ("lower", -0.3, HOLDS),
        ("lower", 0.3, REFUTED),
        ("not lower", 0.0, HOLDS),
        ("not lower", -LEEWAY * 3, REFUTED),
        ("not lower", -LEEWAY / 2, REFUTED),
        ("higher by 0.2", 0.3, HOLDS),
        ("higher by 0.2", 0.2, UNDECIDED),
        ("higher by 0.2", 0.1, REFUTED),
        ("lower by 0.2", -0.3, HOLDS),
        ("lower by 0.2", -0.1, REFUTED),
        ("about the same", 0.0, HOLDS),
        ("about the same", 0.05, UNDECIDED),
        ("about the same", 0.3, REFUTED),
        ("about the same", -0.3, REFUTED),
    ],
)
def test_a_claim_holds_only_where_the_interval_lies_on_its_side(expected, shift, verdict):
    noise = np.random.default_rng(2).normal(0, 0.05, 200)
    values = {"new": {"identity": (0.5 + shift + noise).tolist()}, "old": {"identity": [0.5] * 200}}
    what, _, by = expected.partition(" by ")
    claim = Claim("identity", "new", "old", what, by=float(by or 0.05 * (what == "about the same")))
    found, said = claim.test(values)
    assert said == verdict
    assert found.mean == pytest.approx(shift, abs=0.02)


def test_a_claim_of_a_third_is_about_three_times_the_value():
    values = {"masked": {"outside": [0.1, 0.12]}, "free": {"outside": [0.4, 0.42]}}
    claim = Claim("outside", "masked", "free", "lower", times=3)
    found, said = claim.test(values)
    assert found.mean == pytest.approx(3 * 0.11 - 0.41)
    assert said == HOLDS
    assert claim.difference == "outside: 3 times masked minus free"
    assert Claim("outside", "masked", "free", "lower", times=5).test(values)[1] == REFUTED


def test_an_arm_with_fewer_pictures_is_compared_on_these():
    values = {"new": {"identity": [1.0, 1.0]}, "old": {"identity": [0.0, 0.0, 5.0, 5.0]}}
    assert Claim("identity", "new", "old", "higher").test(values)[0].mean == 1
    assert Claim("identity", "old", "new", "higher").test(values)[0].mean == -1


def test_a_demand_says_by_how_much():
    assert Claim("text", "new", "old", "higher").demand == "higher"
    assert Claim("text", "new", "old", "lower", by=0.25).demand == "lower by at least 0.25"
    assert Claim("text", "new", "old", "about the same", by=0.05).demand == "within ±0.05"


def values_with_interval(low, high):
    """Values whose bootstrap interval of the mean has about these ends."""
    spread = (high - low) / (2 * 1.96)
    numbers = np.random.default_rng(5).normal(0, 1, 192)
    numbers = (numbers - numbers.mean()) / numbers.std()
    return ((low + high) / 2 + numbers * spread * 192**0.5).tolist()


@pytest.mark.parametrize(
    ("low", "high", "expected", "verdict"),
    [
        (-0.059, -0.012, "higher", REFUTED),  # U3: identity, with drops minus without
        (-0.051, -0.004, "not lower", REFUTED),  # O4: text, PIE minus no adapter
        (-0.064, 0.012, "higher", UNDECIDED),  # O3: identity, guided minus guided everywhere
        (-0.064, 0.012, "not lower", UNDECIDED),  # lower than what is allowed is possible
        (-0.022, 0.008, "not lower", HOLDS),
    ],
)
def test_an_interval_on_the_wrong_side_is_never_undecided(low, high, expected, verdict):
    values = {"new": {"identity": values_with_interval(low, high)}, "old": {"identity": [0.0] * 192}}
    found, said = Claim("identity", "new", "old", expected).test(values)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.004)
    assert said == verdict
