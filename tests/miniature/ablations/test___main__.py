"""All experiments from weights to report, on networks of a few channels and trainings of one step."""

from __future__ import annotations

import re
import shutil
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.miniature.ablations import __main__ as module
from likeness.miniature.ablations import arms, gallery
from likeness.miniature.ablations.arms import draw_arm
from likeness.miniature.ablations.experiments import EXPERIMENTS
from likeness.miniature.ablations.guiding import Guiding
from likeness.miniature.ablations.matching import REFERENCE_SIGMA
from likeness.miniature.ablations.omniportrait.experiments import DRAWN, MEASURED, NO_STRENGTH
from likeness.miniature.ablations.omniportrait.ladders import ladders
from likeness.miniature.ablations.omniportrait.sweeps import sweeps
from likeness.miniature.ablations.settings import AblationSettings
from likeness.miniature.networks.checkpoint import read_base
from likeness.miniature.recipe import recipe as module_of_recipe
from likeness.miniature.recipe.recipe import Recipe
from likeness.miniature.recipe.train_config import TrainConfig
from likeness.miniature.studio.drawing import Settings
from likeness.tests.miniature.ablations.facestudio.small_styled import write_styled_files
from likeness.tests.miniature.small_files import write_files, write_pivot
from likeness.tests.miniature.small_recipe import small_settings
from PIL import Image

pytestmark = pytest.mark.long

PICTURES = 2
ONE_STEP = TrainConfig(seed=2, steps=1, batch=2, learning_rate=1e-2, warmup=0)
TRAINING = {
    "train_expression_reader": 1,
    "train_stage_one": 2,
    "train_stage_two": 3,
    "train_pivot_image_encoder": 1,
    "train_pivot": 2,
}  # and how often
ARMS = {name for experiment in EXPERIMENTS for name in experiment.arms}
GUIDED_ARMS = {name for experiment in DRAWN for name in experiment.arms}
BLOCK = 1  # the small networks have four output blocks
SETTINGS = AblationSettings(
    pictures=PICTURES,
    pairs=2,
    drawing=Settings(steps=1),
    guiding=Guiding(block=BLOCK, start=5000.0),
    blocks=(0, BLOCK),
    sigmas=(REFERENCE_SIGMA,),
)
LAST_BITS = 0.01  # kept latents are decoded again, and a busy machine adds up in another order
SWEEPS = sweeps(None, SETTINGS.guiding, SETTINGS.blocks)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with small files by the names of the real ones."""
    folder = tmp_path_factory.mktemp("small")
    paths = write_files(folder)
    write_pivot(folder / "omniportrait.safetensors", read_base(paths["base"]))
    return folder


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    return Recipe(tmp_path_factory.mktemp("recipe"), small_settings(ONE_STEP, pictures=2))


@pytest.fixture(scope="module")
def first_run(recipe, weights, tmp_path_factory):
    """The reports' folder, what was drawn by arm, and what was trained, in order."""
    drawn, trained = {}, []

    def watched_draw(renderer, arm, questions):
        assert arm.name not in drawn
        drawn[arm.name] = questions, draw_arm(renderer, arm, questions)
        return drawn[arm.name][1]

    def watched_train(name):
        train = getattr(module_of_recipe, name)
        return lambda *given, **settings: (trained.append(name), train(*given, **settings))

    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gallery, "draw_arm", watched_draw)
        for name in TRAINING:
            patched.setattr(module_of_recipe, name, watched_train(name))
        assert module.run(recipe, folder, SETTINGS, module.PAPERS, weights=weights) == [
            folder / "uniportrait.md",
            folder / "omniportrait.md",
        ]
    return folder, drawn, trained


def section_of(text, title):
    return text[text.index(f"## {title}\n") :].split("\n## ")[0]


def unlike(first, second):
    """Mean difference of two pictures, of 255."""
    one, other = (np.asarray(Image.open(path), dtype=np.float32) for path in (first, second))
    return float(np.abs(one - other).mean())


def numbers_in(section, name):
    """How many cells of an arm's row hold a mean with its interval."""
    [row] = [line for line in section.splitlines() if line.startswith(f"| {name} |")]
    return len(re.findall(r"(?:[\d.-]+|nan) \[", row))


def test_every_arm_is_trained_once_and_drawn_once(first_run):
    _, drawn, trained = first_run
    assert Counter(trained) == TRAINING
    assert drawn.keys() == ARMS | GUIDED_ARMS | {arm.name for sweep in SWEEPS for arm in sweep.arms}


@pytest.mark.parametrize("report", ["uniportrait", "omniportrait"])
def test_a_report_shows_every_arm_with_numbers_and_pictures(first_run, report):
    folder, _, _ = first_run
    text = (folder / f"{report}.md").read_text("utf-8")
    assert f"{PICTURES} pictures an arm" in text
    assert "1 steps of Euler" in text
    for experiment in EXPERIMENTS if report == "uniportrait" else DRAWN:
        section = section_of(text, experiment.name)
        for name in experiment.arms:
            missing = {NO_STRENGTH: {"likeness"}}.get(name, set() if "guided" in name else {"outside", "likeness"})
            assert numbers_in(section, name) == len(set(experiment.metrics) - missing), name
        assert "| *true pictures* |" in section
        assert section.count("expected") == len(experiment.claims)
        with Image.open(folder / f"{experiment.name}.jpg") as strip:
            assert strip.size == (PICTURES * 128, (1 + len(experiment.arms)) * 128)


def test_the_report_of_guidance_shows_gate_measurements_and_sweeps(first_run):
    folder, _, _ = first_run
    text = (folder / "omniportrait.md").read_text("utf-8")
    gate = section_of(text, "Gate")
    [row] = [line for line in gate.splitlines() if line.startswith(f"| {BLOCK} | {REFERENCE_SIGMA:g} |")]
    shares = [float(cell) for cell in row.strip("| ").split(" | ")[2:]]
    assert all(0 <= share <= 1 for share in shares)
    for experiment in MEASURED:
        section = section_of(text, experiment.name)
        for name in experiment.arms:
            assert numbers_in(section, name) == len(experiment.metrics)
        assert section.count("expected") == len(experiment.claims)
    for sweep in SWEEPS:
        section = section_of(text, f"O5: {sweep.name}")
        assert all(numbers_in(section, arm.name) >= 5 for arm in sweep.arms)
        assert "Most identity at" in section
    assert "same bit for bit" in section_of(text, "Controls")


def test_a_shut_gate_leaves_no_verdict(first_run):
    """Random networks do not match the parts of faces."""
    text = (first_run[0] / "omniportrait.md").read_text("utf-8")
    claims = sum(len(experiment.claims) for experiment in (*DRAWN, *MEASURED))
    assert "is shut" in section_of(text, "Gate")
    assert text.count("**not interpretable**") == claims
    assert "**holds**" not in text
    assert "not interpretable" not in (first_run[0] / "uniportrait.md").read_text("utf-8")


def test_arms_differ_in_what_they_are_and_share_what_they_are_asked(first_run):
    _, drawn, _ = first_run
    for experiment in EXPERIMENTS:
        assert len({id(drawn[name][0]) for name in experiment.arms}) == 1
        latents = [drawn[name][1].latents for name in experiment.arms]
        for place, shown in enumerate(latents):
            assert len(shown) == PICTURES
            assert not any(torch.equal(shown, other) for other in latents[:place]), experiment.name


def test_a_second_run_trains_and_draws_nothing_and_reports_the_same(recipe, weights, first_run, monkeypatch, tmp_path):
    folder, _, _ = first_run
    for name in TRAINING:
        monkeypatch.setattr(module_of_recipe, name, None)
    monkeypatch.setattr(arms, "draw_latents", None)
    for again in module.run(recipe, tmp_path, SETTINGS, module.PAPERS, weights=weights):
        assert again.read_bytes() == (folder / again.name).read_bytes()
    for strip in folder.glob("*.jpg"):
        assert unlike(strip, tmp_path / strip.name) < LAST_BITS, strip.name


def test_one_paper_can_be_asked_for_alone(recipe, weights, first_run, tmp_path):
    assert module.run(recipe, tmp_path, SETTINGS, ["omniportrait"], weights=weights) == [tmp_path / "omniportrait.md"]
    assert not (tmp_path / "uniportrait.md").exists()


def test_experiments_asked_for_alone_train_what_they_need_and_leave_the_other_sections(weights, first_run, tmp_path):
    folder, _, _ = first_run
    shutil.copytree(folder, tmp_path / "report")
    fresh = Recipe(tmp_path / "recipe", small_settings(replace(ONE_STEP, seed=3), pictures=2))
    trained = []
    with pytest.MonkeyPatch.context() as patched:
        for name in TRAINING:
            train = getattr(module_of_recipe, name)
            patched.setattr(
                module_of_recipe,
                name,
                lambda *given, name=name, train=train, **more: (trained.append(name), train(*given, **more)),
            )
        module.run(fresh, tmp_path / "report", SETTINGS, module.PAPERS, ["U4", "O3"], weights=weights)
    assert Counter(trained) == {"train_expression_reader": 1, "train_stage_two": 2}
    for report, name in (("uniportrait", "U4"), ("omniportrait", "O3")):
        before, after = ((each / f"{report}.md").read_text("utf-8") for each in (folder, tmp_path / "report"))
        titles = [line for line in before.splitlines() if line.startswith("## ")]
        assert titles == [line for line in after.splitlines() if line.startswith("## ")]
        left = [title for title in titles if title != f"## {name}"]
        assert len(left) == len(titles) - 1
        assert [section_of(before, title[3:]) for title in left] == [section_of(after, title[3:]) for title in left]
    drawn = {strip.name: strip.read_bytes() for strip in folder.glob("*.jpg")}
    now = {name: (tmp_path / "report" / name).read_bytes() for name in drawn}
    assert now.pop("U4.jpg") != drawn.pop("U4.jpg")  # other routers
    del now["O3.jpg"], drawn["O3.jpg"]  # drawn anew by the same networks
    assert now == drawn


def test_the_report_of_strengths_shows_every_mode_at_both_scales(recipe, weights, first_run, tmp_path):
    """Of three steps the last is within the paper's window."""
    settings = replace(SETTINGS, drawing=Settings(steps=3))
    [path] = module.run(recipe, tmp_path, settings, ["guidance"], weights=weights)
    text = path.read_text("utf-8")
    found = ladders(None, SETTINGS.guiding)
    assert {ladder.scale for ladder in found} == {2.0, 7.5}
    for ladder in found:
        section = section_of(text, ladder.name)
        assert all(numbers_in(section, arm.name) == 8 for arm in ladder.arms)


def test_facestudio_is_asked_of_its_own_files(tmp_path):
    write_styled_files(tmp_path)
    settings, recipe = replace(SETTINGS, styled=Settings(steps=1)), Recipe(tmp_path / "recipe")
    paths = module.run(recipe, tmp_path / "report", settings, ["facestudio"], ["F1", "U1"], weights=tmp_path)
    assert paths == [tmp_path / "report" / "facestudio.md"]
    assert paths[0].read_text("utf-8").count("\n## ") == 1


def test_without_weights_the_command_ends_with_one_line(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(module, "WEIGHTS", tmp_path / "nothing")
    monkeypatch.setattr(sys, "argv", ["ablations", "--folder", str(tmp_path), "--report", str(tmp_path)])
    assert module.main() == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "base.safetensors" in line
    assert not list(tmp_path.iterdir())
