"""Ladders: one strength mode at rising strengths, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.diffusers_host.sigmas import share_behind
from likeness.miniature.ablations.experiments import ON, PLAIN
from likeness.miniature.ablations.guided_ladders import ladders
from likeness.miniature.ablations.guided_sweeps import SWEPT
from likeness.miniature.ablations.guiding import Guiding
from likeness.models.omniportrait.guidance_settings import DEFAULT_STRENGTH

GUIDING = Guiding(block=2, reference_sigma=0.9)
ADAPTER = object()
LADDERS = ladders(ADAPTER, GUIDING)


@pytest.mark.parametrize("ladder", LADDERS, ids=lambda ladder: ladder.name)
def test_a_ladder_rises_in_strength_and_changes_nothing_else(ladder):
    strengths = [arm.guiding.strength for arm in ladder.arms]
    assert strengths == sorted(set(strengths))
    [others] = {replace(arm.guiding, strength=1.0) for arm in ladder.arms}
    assert others == replace(GUIDING, mode=others.mode, strength=1.0, start=others.start)
    assert share_behind(others.start) == pytest.approx(0.4, abs=1e-3)  # the paper's u = 0.6
    adapter = {PLAIN: None, ON: ADAPTER}[ladder.unguided]
    assert {(arm.adapter, arm.pictures, arm.pivot) for arm in ladder.arms} == {(adapter, SWEPT, None)}


def test_every_mode_is_tried_by_itself_and_on_top_of_tokens():
    tried = {(ladder.arms[0].guiding.mode, ladder.unguided) for ladder in LADDERS if ladder.scale == 2}
    assert tried == {(mode, way) for mode in ("relative", "paper_mean", "paper_sum") for way in (PLAIN, ON)}
    papers = [ladder for ladder in LADDERS if ladder.scale == 7.5]
    assert [ladder.arms[0].guiding.mode for ladder in papers] == ["relative", "relative"]


def test_the_paper_s_p_and_the_node_s_default_are_among_the_strengths():
    for ladder in LADDERS:
        strengths = [arm.guiding.strength for arm in ladder.arms]
        assert (DEFAULT_STRENGTH if ladder.arms[0].guiding.mode == "relative" else 8.5) in strengths


@pytest.mark.parametrize("scale", [2.0, 7.5])
def test_no_two_arms_of_one_scale_have_one_name(scale):
    names = [arm.name for ladder in LADDERS if ladder.scale == scale for arm in ladder.arms]
    assert len(set(names)) == len(names)
