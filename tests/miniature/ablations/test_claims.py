"""What a paper claims: when pictures show it, when they show the opposite, and what is said of it."""

from __future__ import annotations

import pytest

pytest.importorskip("diffusers")

import numpy as np
from likeness.miniature.ablations.claims import LEEWAY, Claim


@pytest.mark.parametrize(
    ("expected", "shift", "verdict"),
    [
        ("higher", 0.3, "holds"),
        ("higher", -0.3, "fails"),
        ("higher", 0.0, "undecided"),
        ("lower", -0.3, "holds"),
        ("lower", 0.3, "fails"),
        ("not lower", 0.0, "holds"),
        ("not lower", -LEEWAY * 3, "fails"),
        ("higher by 0.2", 0.3, "holds"),
        ("higher by 0.2", 0.2, "undecided"),
        ("higher by 0.2", 0.1, "fails"),
        ("lower by 0.2", -0.3, "holds"),
        ("lower by 0.2", -0.1, "fails"),
        ("about the same", 0.0, "holds"),
        ("about the same", 0.05, "undecided"),
        ("about the same", 0.3, "fails"),
        ("about the same", -0.3, "fails"),
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
    assert said == "holds"
    assert claim.difference == "outside: 3 times masked minus free"
    assert Claim("outside", "masked", "free", "lower", times=5).test(values)[1] == "fails"


def test_an_arm_with_fewer_pictures_is_compared_on_these():
    values = {"new": {"identity": [1.0, 1.0]}, "old": {"identity": [0.0, 0.0, 5.0, 5.0]}}
    assert Claim("identity", "new", "old", "higher").test(values)[0].mean == 1
    assert Claim("identity", "old", "new", "higher").test(values)[0].mean == -1


def test_a_demand_says_by_how_much():
    assert Claim("text", "new", "old", "higher").demand == "higher"
    assert Claim("text", "new", "old", "lower", by=0.25).demand == "lower by at least 0.25"
    assert Claim("text", "new", "old", "about the same", by=0.05).demand == "within ±0.05"
