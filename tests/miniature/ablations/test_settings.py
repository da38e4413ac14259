"""The numbers of the experiments fit together."""

from __future__ import annotations

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.miniature.ablations.matching import BLOCK, REFERENCE_SIGMA
from likeness.miniature.ablations.omniportrait.sweeps import SWEPT, sweeps
from likeness.miniature.ablations.settings import REPORTED


def test_the_gate_looks_where_guidance_does():
    """Else the report would find no match to decide by."""
    assert REPORTED.guiding.block in REPORTED.blocks
    assert REPORTED.guiding.reference_sigma in REPORTED.sigmas
    assert (REPORTED.guiding.block, REPORTED.guiding.reference_sigma) == (BLOCK, REFERENCE_SIGMA)


def test_a_sweep_has_no_more_pictures_than_an_arm():
    assert REPORTED.pictures >= SWEPT


def test_every_sweep_but_the_papers_holds_the_value_that_the_other_arms_have():
    shared = REPORTED.guiding
    for sweep in sweeps(None, shared, REPORTED.blocks):
        assert shared in [arm.guiding for arm in sweep.arms] or "tokens" in sweep.name, sweep.name
