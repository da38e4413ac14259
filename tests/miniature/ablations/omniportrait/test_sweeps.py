"""Sweeps: one setting of the guidance at several values, and nothing else."""

from __future__ import annotations

from dataclasses import fields

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.miniature.ablations.experiments import ON, PLAIN
from likeness.miniature.ablations.guiding import Guiding
from likeness.miniature.ablations.omniportrait.sweeps import SWEPT, sweeps

GUIDING = Guiding(block=2, start=3.0, strength=1.25, reference_sigma=0.9)
ADAPTER = object()
SWEEPS = sweeps(ADAPTER, GUIDING, (1, 2, 4))


@pytest.mark.parametrize("sweep", SWEEPS, ids=lambda sweep: sweep.name)
def test_a_sweep_changes_one_setting(sweep):
    changed = {
        field.name
        for field in fields(Guiding)
        for arm in sweep.arms
        if getattr(arm.guiding, field.name) != getattr(GUIDING, field.name)
    }
    assert len(changed) == 1
    [name] = changed
    values = [getattr(arm.guiding, name) for arm in sweep.arms]
    assert values == sorted(set(values))


@pytest.mark.parametrize("sweep", SWEEPS, ids=lambda sweep: sweep.name)
def test_its_arms_differ_from_the_unguided_one_in_the_guidance_alone(sweep):
    adapter = {PLAIN: None, ON: ADAPTER}[sweep.unguided]
    assert all(arm.adapter is adapter for arm in sweep.arms)
    assert {(arm.pictures, arm.is_shuffled, arm.pivot) for arm in sweep.arms} == {(SWEPT, False, None)}


def test_no_two_arms_of_all_sweeps_have_one_name():
    names = [arm.name for sweep in SWEEPS for arm in sweep.arms]
    assert len(set(names)) == len(names)


def test_the_blocks_that_are_compared_are_those_that_are_given():
    [tap] = [sweep for sweep in SWEEPS if sweep.name == "tap"]
    assert [arm.guiding.block for arm in tap.arms] == [1, 2, 4]


def test_a_start_is_told_as_the_papers_share_too():
    """σ 5000 lies above every noise level: all of the schedule is still to come."""
    [starts] = [sweep for sweep in SWEEPS if sweep.name == "start u"]
    assert starts.arms[-1].name == "σ ≤ 5000 (u = 1.00)"
