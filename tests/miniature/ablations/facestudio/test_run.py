"""FaceStudio's experiments from files to the report, on networks of a few channels."""

from __future__ import annotations

import pytest

pytest.importorskip("diffusers")

import torch
from likeness.miniature.ablations.facestudio import arms as module_of_arms
from likeness.miniature.ablations.facestudio.experiments import EXPERIMENTS
from likeness.miniature.ablations.facestudio.run import run_facestudio
from likeness.miniature.ablations.settings import AblationSettings
from likeness.miniature.recipe.recipe import Recipe
from likeness.miniature.studio.drawing import Settings
from likeness.models.errors import LikenessError
from likeness.tests.miniature.ablations.facestudio.small_styled import facestudio_file
from likeness.tests.miniature.ablations.facestudio.small_styled import networks as networks
from likeness.tests.miniature.ablations.facestudio.small_styled import weights as weights
from safetensors.torch import save_file

ONE = Settings(steps=1)
SETTINGS = AblationSettings(pictures=3, few_pictures=2, drawing=ONE, styled=ONE)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, networks):
    """One whose other trainings are done."""
    folder = tmp_path_factory.mktemp("recipe")
    for seed, suffix in enumerate((" drop 0.64", " drop 0.1", " drop 0.064")):
        save_file(facestudio_file(networks.base, seed + 10), folder / f"facestudio{suffix}.safetensors")
    return Recipe(folder)


def run(recipe, networks, weights, folder, experiments=EXPERIMENTS):
    return run_facestudio(recipe, networks.base, networks.faces, {}, folder, SETTINGS, experiments, weights=weights)


def test_all_experiments_are_drawn_and_reported_and_a_second_run_draws_nothing(
    recipe, networks, weights, tmp_path, monkeypatch
):
    text = run(recipe, networks, weights, tmp_path / "first").read_text("utf-8")
    for experiment in EXPERIMENTS:
        assert f"## {experiment.name}\n" in text
    assert "3 pictures an arm" in text
    assert "Pictures of some arms: 2, 3." in text
    monkeypatch.setattr(module_of_arms, "draw_trained", None)
    monkeypatch.setattr(module_of_arms, "draw_zero_shot", None)
    assert run(recipe, networks, weights, tmp_path / "second").read_text("utf-8") == text


def test_nothing_else_is_trained_where_no_experiment_asks(networks, weights, tmp_path):
    path = run(Recipe(tmp_path / "empty"), networks, weights, tmp_path, EXPERIMENTS[:1])
    assert path.read_text("utf-8").count("\n## ") == 1


def test_a_missing_file_is_named(networks, tmp_path, recipe):
    with pytest.raises(LikenessError, match=r"facestudio\.safetensors"):
        run(recipe, networks, tmp_path, tmp_path)
    assert torch.is_grad_enabled()
