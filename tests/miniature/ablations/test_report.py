"""Reports of UniPortrait's experiments: tables, verdicts and strips of pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("diffusers")

from likeness.evaluation.bootstrap import estimate
from likeness.miniature.ablations.claims import Claim, Experiment
from likeness.miniature.ablations.experiments import EXPERIMENTS
from likeness.miniature.ablations.report import notes, section, strip, table, write_lines, write_report
from likeness.tests.miniature.ablations.hung_gallery import PICTURES, hang, values_around
from PIL import Image

EXPERIMENT = Experiment(
    "X1",
    "The new arm is better.",
    1,
    ("old", "new"),
    (Claim("identity", "new", "old", "higher"), Claim("text", "new", "old", "higher")),
    ("identity", "text"),
)
VALUES = {
    "old": values_around(0.5),
    "new": values_around(0.5) | {"identity": values_around(0.8)["identity"], "text": values_around(0.2)["text"]},
}


def test_a_table_has_a_row_of_means_for_every_arm_and_leaves_out_what_nobody_measured():
    head, rule, first, second, end = table("arm", {"old": {"text": [0.5, 0.5]}, "new": {}}, ("text", "identity"))
    assert head == "| arm | text | identity |"
    assert rule == "|---|---|---|"
    assert first == f"| old | {estimate([0.5, 0.5])} |  |"
    assert second == "| new |  |  |"
    assert end == ""


def test_a_section_says_what_became_of_every_claim():
    lines = section(EXPERIMENT, VALUES, values_around(0.9))
    assert lines[:3] == ["## X1", "", "The new arm is better."]
    assert len([line for line in lines if line.startswith("| *true pictures* |")]) == 1
    holds, fails = lines[-2:]
    assert holds.startswith("- identity: new minus old: 0.3")
    assert holds.endswith("expected higher: **holds**")
    assert fails.endswith("expected higher: **does not hold here**")


def test_a_claim_that_does_not_hold_is_followed_by_why_and_no_other_is():
    claims = tuple(replace(claim, why="it is small.") for claim in EXPERIMENT.claims)
    holds, fails = section(replace(EXPERIMENT, claims=claims), VALUES, None)[-2:]
    assert holds.endswith("**holds**")
    assert fails.endswith("expected higher: **does not hold here**: it is small.")
    assert all(
        line.endswith("**not interpretable**")
        for line in section(replace(EXPERIMENT, claims=claims), VALUES, None, is_gated=True)[-2:]
    )


def test_behind_a_shut_gate_nothing_is_decided_and_the_numbers_are_told():
    lines = section(EXPERIMENT, VALUES, None, is_gated=True)
    assert [line.rpartition(": ")[2] for line in lines[-2:]] == ["**not interpretable**"] * 2
    assert "minus old: 0.3" in lines[-2]
    assert not any("true pictures" in line for line in lines)


def test_sections_that_are_not_written_stay(tmp_path):
    path = tmp_path / "report.md"
    write_lines(path, ["# Head", "", "## A", "old a", "## B", "old b", "## C: a setting", "old c"])
    write_lines(path, ["# New head", "", "## B", "new b", "## D", "new d"], keeps=True)
    assert path.read_text("utf-8").splitlines() == [
        *("# New head", "", "## A", "old a", "## B", "new b", "## C: a setting", "old c", "## D", "new d"),
    ]
    write_lines(path, ["# Whole", "", "## A", "a"])
    assert path.read_text("utf-8") == "# Whole\n\n## A\na\n"


def test_a_strip_shows_portraits_above_the_same_questions_in_every_arm(tmp_path):
    gallery = hang(["old", "new"])
    lines = strip(tmp_path / "report", "X 1: two", gallery, 2, ("old", "new"))
    assert "Rows: portraits; old; new." in lines
    assert "![X 1: two](X-1-two.jpg)" in lines
    shown = np.asarray(Image.open(tmp_path / "report" / "X-1-two.jpg")).astype(float)
    assert shown.shape == (3 * 128, PICTURES * 128, 3)
    assert abs(shown[:20].mean() - 255) < 2  # two small portraits beside each other leave white above
    for row, name in enumerate(("old", "new"), 1):
        assert abs(shown[row * 128 : (row + 1) * 128].mean() - 255 * float(gallery.pictures[name].mean())) < 2


def test_notes_say_how_pictures_were_drawn():
    first = notes(hang(["old"]))[0]
    assert first.startswith(f"{PICTURES} pictures an arm")
    assert "7 steps of Euler, guidance 3.5." in first


def test_lines_are_written_into_a_new_folder(tmp_path):
    path = write_lines(tmp_path / "new" / "it.md", ["# σ", ""])
    assert path.read_text("utf-8") == "# σ\n\n"


def test_the_report_has_every_experiment_with_its_strip(tmp_path):
    arms = list(dict.fromkeys(name for experiment in EXPERIMENTS for name in experiment.arms))
    path = write_report(tmp_path, hang(arms))
    text = path.read_text("utf-8")
    for experiment in EXPERIMENTS:
        assert f"\n## {experiment.name}\n" in text
        assert (tmp_path / f"{experiment.name}.jpg").is_file()
    assert text.count("entropy 0.250 nats") == len(EXPERIMENTS[-1].arms)
