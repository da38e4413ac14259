"""All experiments from weights to report, on networks of a few channels and courses of one step."""

from __future__ import annotations

import re
import sys
from functools import partial

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.ablations import __main__ as module
from likeness.miniature.ablations.arms import draw_arm
from likeness.miniature.ablations.experiments import EXPERIMENTS, SHUFFLED
from likeness.miniature.ablations.report import ONE, TWO
from likeness.miniature.recipe import pool_files, stages
from likeness.miniature.recipe.course import Course
from likeness.miniature.recipe.stages import Kitchen
from likeness.miniature.studio.drawing import Settings
from likeness.tests.miniature.small_files import write_files
from PIL import Image

PICTURES = 2
COURSE = Course(seed=2, steps=1, batch=2, learning_rate=1e-2, warmup=0)
COURSES = ("uniportrait stage I", "uniportrait stage II", "reader of expressions")
TRAINING = ("train_stage_one", "train_stage_two", "train_expression_reader")
ARMS = {name for experiment in EXPERIMENTS for name in experiment.arms}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Puts small files, courses and pools in the place of the real ones."""
    with pytest.MonkeyPatch.context() as patched:
        for name, path in write_files(tmp_path_factory.mktemp("small")).items():
            patched.setattr(module, name.upper(), path)
        patched.setattr(module, "Settings", partial(Settings, steps=1))
        patched.setattr(stages, "COURSES", dict.fromkeys(COURSES, COURSE))
        patched.setattr(stages, "PORTRAYED", 2)
        patched.setattr(pool_files, "PART", 2)
        yield


@pytest.fixture(scope="module")
def kitchen(small, tmp_path_factory):
    return Kitchen(tmp_path_factory.mktemp("kitchen"))


@pytest.fixture(scope="module")
def first_run(kitchen, tmp_path_factory):
    """The report's folder, what was drawn by arm, and what was trained, in order."""
    drawn, trained = {}, []

    def watched_draw(base, arm, questions, nobody, settings):
        drawn[arm.name] = questions, *draw_arm(base, arm, questions, nobody, settings)
        return drawn[arm.name][1:]

    def watched_train(name):
        train = getattr(stages, name)
        return lambda *given, **settings: (trained.append(name), train(*given, **settings))

    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "draw_arm", watched_draw)
        for name in TRAINING:
            patched.setattr(stages, name, watched_train(name))
        assert module.run(kitchen, PICTURES, folder) == folder / "miniature.md"
    return folder, drawn, trained


def test_every_arm_is_trained_once_and_drawn_once(first_run):
    _, drawn, trained = first_run
    assert sorted(trained) == ["train_expression_reader", *["train_stage_one"] * 2, *["train_stage_two"] * 2]
    assert drawn.keys() == ARMS


def test_the_report_shows_every_arm_with_numbers_and_pictures(first_run):
    folder, _, _ = first_run
    text = (folder / "miniature.md").read_text("utf-8")
    assert f"{PICTURES} pictures an arm" in text
    assert "1 steps of Euler" in text
    for experiment in EXPERIMENTS:
        section = text[text.index(f"## {experiment.name}\n") :].split("\n## ")[0]
        metrics = ONE if experiment.people == 1 else TWO
        for name in (*experiment.arms, "*true pictures*"):
            [row] = [line for line in section.splitlines() if line.startswith(f"| {name} |")]
            assert len(re.findall(r"(?:[\d.-]+|nan) \[", row)) == len(metrics), row
        assert section.count("expected") == len(experiment.claims)
        with Image.open(folder / f"{experiment.name}.png") as strip:
            assert strip.size == (PICTURES * 128, (1 + len(experiment.arms)) * 128)


def test_arms_differ_in_what_they_are_and_share_what_they_are_asked(first_run):
    _, drawn, _ = first_run
    for experiment in EXPERIMENTS:
        asked = [drawn[name][0] for name in experiment.arms if name != SHUFFLED]
        assert len(set(map(id, asked))) == 1
        pictures = [drawn[name][1] for name in experiment.arms]
        for place, shown in enumerate(pictures):
            assert shown.shape == (PICTURES, 3, 128, 128)
            assert not any(torch.equal(shown, other) for other in pictures[:place]), experiment.name


def test_a_second_run_trains_nothing_and_reports_the_same(kitchen, first_run, monkeypatch, tmp_path):
    folder, _, _ = first_run
    for name in TRAINING:
        monkeypatch.setattr(stages, name, None)
    again = module.run(kitchen, PICTURES, tmp_path)
    assert again.read_bytes() == (folder / "miniature.md").read_bytes()
    for strip in folder.glob("*.png"):
        assert strip.read_bytes() == (tmp_path / strip.name).read_bytes()


def test_without_weights_the_command_ends_with_one_line(small, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(module, "BASE", tmp_path / "base.safetensors")
    monkeypatch.setattr(sys, "argv", ["ablations", "--folder", str(tmp_path), "--report", str(tmp_path)])
    assert module.main() == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "base.safetensors" in line
    assert not list(tmp_path.iterdir())
