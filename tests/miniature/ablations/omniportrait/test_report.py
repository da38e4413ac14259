"""The report of OmniPortrait's experiments: its gate, what is behind it, controls and sweeps."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.miniature.ablations.experiments import PLAIN
from likeness.miniature.ablations.guiding import Guiding
from likeness.miniature.ablations.matching import GATE, Matches
from likeness.miniature.ablations.omniportrait.experiments import DRAWN, EXPERIMENTS, MEASURED, NO_STRENGTH
from likeness.miniature.ablations.omniportrait.report import write_guided_report
from likeness.miniature.ablations.omniportrait.sweeps import sweeps
from likeness.tests.miniature.ablations.hung_gallery import hang, values_around

GUIDING = Guiding(block=3, reference_sigma=0.57, strength=2.5)
SWEEPS = sweeps(None, GUIDING, (1, 3))
ARMS = list(
    dict.fromkeys(
        [
            *(name for experiment in DRAWN for name in experiment.arms),
            *(arm.name for sweep in SWEEPS for arm in sweep.arms),
        ]
    )
)
CLAIMS = sum(len(experiment.claims) for experiment in (*DRAWN, *MEASURED))


def gate(share):
    used = Matches(GUIDING.block, GUIDING.reference_sigma, share, 0.4, 0.7, 0.2)
    return [replace(used, block=4, portraits=1 - share), used]


def report(folder, share=GATE + 0.1, gallery=None, swept=SWEEPS, experiments=EXPERIMENTS):
    measured = {
        experiment.name: {arm: dict.fromkeys(experiment.metrics, values_around(0.5)["text"]) for arm in experiment.arms}
        for experiment in MEASURED
    }
    path = write_guided_report(folder, gallery or hang(ARMS), gate(share), measured, swept, GUIDING, experiments)
    return path.read_text("utf-8")


def section_of(text, title):
    return text[text.index(f"## {title}\n") :].split("\n## ")[0]


BEST = SWEEPS[0].arms[2].name


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """The report behind an open gate; one arm of a sweep is better than all others."""
    return report(tmp_path_factory.mktemp("open"), gallery=hang(ARMS, {BEST: 0.8}))


@pytest.fixture(scope="module")
def shut(tmp_path_factory):
    """The report behind a shut gate; an arm at the end of a sweep is best, and no strength changes something."""
    gallery = hang(ARMS, {SWEEPS[0].arms[0].name: 0.8})
    moved = torch.full_like(gallery.drawn[PLAIN].latents, 1e-7)
    gallery.drawn[NO_STRENGTH] = replace(gallery.drawn[NO_STRENGTH], latents=moved)
    return report(tmp_path_factory.mktemp("shut"), GATE - 0.1, gallery)


def test_behind_an_open_gate_claims_are_decided(text):
    assert "and is open." in text
    assert "**not interpretable**" not in text


def test_behind_a_shut_gate_nothing_is_interpretable(shut):
    assert "and is shut" in shut
    assert shut.count("**not interpretable**") == CLAIMS


def test_the_gate_shows_every_match_and_says_which_one_guidance_uses(text):
    lines = section_of(text, "Gate").splitlines()
    assert "| 3 | 0.57 | 0.700 | 0.400 | 0.700 | 0.200 |" in lines
    assert "| 4 | 0.57 | 0.300 | 0.400 | 0.700 | 0.200 |" in lines
    assert any("Guidance uses block 3 at σ 0.57" in line for line in lines)


def test_sections_come_in_the_order_of_the_experiments_and_controls_last(text):
    titles = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    kinds = [title.split(":")[0] for title in titles]
    assert list(dict.fromkeys(kinds)) == ["Gate", "O1", "O2", "O3", "O4", "O5", "O6", "O7", "O8", "Controls"]
    assert kinds.count("O5") == len(SWEEPS)


def test_controls_say_whether_no_strength_changes_no_bit(text, shut):
    start = f"- Latents of {NO_STRENGTH} and {PLAIN}: "
    assert f"{start}the same bit for bit" in section_of(text, "Controls")
    assert f"{start}not the same bit for bit" in section_of(shut, "Controls")


def test_a_sweep_names_its_best_value_and_compares_it_with_both_ends(text, shut):
    sweep = SWEEPS[0]
    first, last = sweep.arms[0].name, sweep.arms[-1].name
    said = section_of(text, f"O5: {sweep.name}")
    assert f"- Most identity at {BEST}." in said
    for end in (first, last):
        assert f"- identity: {BEST} minus {end}: 0.3" in said
    best_at_an_end = section_of(shut, f"O5: {sweep.name}")
    assert f"- Most identity at {first}." in best_at_an_end
    assert f"minus {first}:" not in best_at_an_end
    assert f"minus {last}:" in best_at_an_end


def test_notes_say_how_arms_are_guided(text):
    assert "strength mode *relative* with s = 2.5" in text
    assert "features of output block 3, one portrait a person, read at σ 0.57" in text


@pytest.mark.parametrize(
    ("experiments", "swept"), [(EXPERIMENTS, ()), (EXPERIMENTS[:1], SWEEPS), (EXPERIMENTS[-1:], ())]
)
def test_what_is_not_asked_for_stays(tmp_path, experiments, swept):
    whole, again = report(tmp_path), report(tmp_path, swept=swept, experiments=experiments)
    titles = [[line for line in text.splitlines() if line.startswith("## ")] for text in (whole, again)]
    assert titles[0] == titles[1]
