"""The report of FaceStudio's claims, of values written by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.ablations.facestudio.experiments import EXPERIMENTS
from likeness.miniature.ablations.facestudio.report import FURTHER, write_styled_report
from likeness.miniature.studio.drawing import Settings
from PIL import Image

PICTURES = 4


def hang(fewer=()):
    """A gallery of all arms; those in `fewer` have two pictures."""
    numbers, values, pictures = np.random.default_rng(0), {}, {}
    for experiment in EXPERIMENTS:
        metrics = {*experiment.metrics, "leaning", "identity", "blending", "style", "leak", "like text", "like picture"}
        for name in experiment.arms:
            count = 2 if name in fewer else PICTURES
            values[name] = values.get(name, {}) | {each: numbers.random(count).tolist() for each in metrics}
            pictures[name] = torch.zeros(PICTURES, 3, 128, 128)

    class Questions:
        def __init__(self, people):
            self.asked = SimpleNamespace(references=torch.zeros(PICTURES, people, 3, 128, 128))
            self.pictures = torch.ones(PICTURES, 3, 128, 128)

        def __len__(self):
            return PICTURES

    return SimpleNamespace(
        renderer=SimpleNamespace(settings=Settings(steps=7, guidance=3.5), adapted=Settings(guidance=2.25)),
        questions={people: Questions(people) for people in (1, 2, 3)},
        limits=lambda people: values[next(each for each in EXPERIMENTS if each.people == people).arms[0]],
        values=values,
        pictures=pictures,
    )


def test_every_experiment_has_table_claims_and_pictures(tmp_path):
    text = write_styled_report(tmp_path, hang()).read_text("utf-8")
    assert "7 steps of Euler, guidance 3.5" in text
    assert "2.25 for zero-shot" in text
    for experiment in EXPERIMENTS:
        section = text[text.index(f"## {experiment.name}\n") :].split("\n## ")[0]
        assert section.count("expected") == len(experiment.claims)
        assert all(f"\n| {name} |" in section for name in (*experiment.arms, "*true pictures*"))
        assert sum(line.startswith("- ") for line in section.splitlines()) == len(experiment.claims) + len(
            FURTHER.get(experiment.name, ())
        )
        file = experiment.name.replace(", ", "-").replace(" ", "-") + ".jpg"
        assert f"({file})" in section
        with Image.open(tmp_path / file) as strip:
            assert strip.size == (PICTURES * 128, (2 + (experiment.name == "F3") + len(experiment.arms)) * 128)
    assert "Pictures of some arms" not in text


def test_fewer_pictures_are_said(tmp_path):
    text = write_styled_report(tmp_path, hang(fewer=("β = 0.5",))).read_text("utf-8")
    assert text.count("Pictures of some arms: 2, 4.") == 1


def test_sections_that_are_not_asked_for_stay(tmp_path):
    path = write_styled_report(tmp_path, hang())
    before = path.read_text("utf-8")
    write_styled_report(tmp_path, hang(), EXPERIMENTS[:1])
    assert path.read_text("utf-8").split("## F2")[1] == before.split("## F2")[1]
