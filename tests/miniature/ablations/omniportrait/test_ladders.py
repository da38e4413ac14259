"""Ladders: one strength mode at rising strengths, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.diffusers_host.noise_levels import share_behind
from likeness.miniature.ablations.experiments import ON, PLAIN
from likeness.miniature.ablations.guiding import Guiding
from likeness.miniature.ablations.omniportrait.ladders import gains, ladders, write_ladder_report
from likeness.miniature.ablations.omniportrait.sweeps import SWEPT
from likeness.models.omniportrait.guidance_settings import DEFAULT_STRENGTH
from likeness.tests.miniature.ablations.hung_gallery import hang
from PIL import Image

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
    adapter = {PLAIN: None, ON: ADAPTER}[ladder.unguided.name]
    everybody = (ladder.unguided, *ladder.arms)
    assert {(arm.adapter, arm.pictures, arm.pivot) for arm in everybody} == {(adapter, SWEPT, None)}
    assert ladder.unguided.guiding is None


def test_every_mode_is_tried_by_itself_and_on_top_of_tokens():
    tried = {(ladder.arms[0].guiding.mode, ladder.unguided.name) for ladder in LADDERS if ladder.scale == 2}
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


REPORTED = ladders(object(), Guiding())
OWN = [ladder for ladder in REPORTED if ladder.scale == 2]
FIRST = OWN[0]
MEANS = {
    FIRST.unguided.name: 0.3,
    FIRST.arms[0].name: 0.3,
    FIRST.arms[1].name: 0.6,
    FIRST.arms[2].name: 0.9,
    FIRST.arms[3].name: 0.1,
}


@pytest.fixture(scope="module")
def galleries():
    return {
        scale: hang(
            [
                name
                for each in REPORTED
                if each.scale == scale
                for name in (each.unguided.name, *(arm.name for arm in each.arms))
            ],
            MEANS if scale == 2 else {},
        )
        for scale in (2.0, 7.5)
    }


@pytest.fixture(scope="module")
def written(galleries, tmp_path_factory):
    return write_ladder_report(tmp_path_factory.mktemp("report"), galleries, REPORTED)


def section_of(text, title):
    return text[text.index(f"## {title}\n") :].split("\n## ")[0]


def test_every_strength_has_a_row_with_its_gain(written):
    text = written.read_text("utf-8")
    for ladder in REPORTED:
        rows = [line for line in section_of(text, ladder.name).splitlines() if line.startswith("| ")]
        assert [row.split(" | ")[0][2:] for row in rows] == [
            "strength",
            ladder.unguided.name,
            *(a.name for a in ladder.arms),
        ]
        assert all(row.count(" [") == 8 for row in rows[2:])


def test_gains_are_paired_differences_from_the_unguided_pictures(galleries):
    found = gains(galleries[2.0].values, FIRST, "identity")
    assert found[FIRST.arms[1].name].mean == pytest.approx(0.3, abs=0.02)
    assert found[FIRST.arms[3].name].high < 0


def test_it_says_which_strength_is_seen_first_which_is_best_and_which_costs_nothing(written):
    lines = section_of(written.read_text("utf-8"), FIRST.name)
    assert f"- Weakest whose gain is off 0: {FIRST.arms[1].name}." in lines
    assert f"- Most identity: {FIRST.arms[2].name}, 0." in lines
    free = lines.split("with its interval: ")[1].splitlines()[0]
    assert free == f"{FIRST.arms[2].name}."  # the next one fell; those after it do not count


def test_a_strip_shows_the_unguided_pictures_and_every_strength(written):
    for ladder in REPORTED:
        files = [
            line for line in section_of(written.read_text("utf-8"), ladder.name).splitlines() if line.startswith("![")
        ]
        [file] = files
        with Image.open(written.parent / file.split("](")[1].rstrip(")")) as strip:
            assert strip.height == (2 + len(ladder.arms)) * 128
