"""The recipe's command: what is made side by side, and the files that it writes."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.miniature.judge.file import read_judge, read_styled_judge
from likeness.miniature.networks.checkpoint import base_weights, read_base
from likeness.miniature.recipe import __main__ as command
from likeness.miniature.recipe.__main__ import PHASES, write_files
from likeness.miniature.recipe.recipe import Recipe
from likeness.miniature.recipe.settings import SHIPPED
from likeness.miniature.recipe.shipped import ShippedRecipe
from likeness.miniature.recipe.styles.recipe import StyleRecipe
from likeness.models.clip.prior_file import load as load_prior
from likeness.models.consistentid.checkpoint import load as load_consistentid
from likeness.models.errors import InvalidSettingError
from likeness.models.facestudio.checkpoint import load as load_facestudio
from likeness.models.facestudio.description import Description
from likeness.models.ip_adapter.checkpoint import load as load_ip_adapter
from likeness.models.miniature.files import WEIGHTS, read_face_networks, read_uniportrait
from likeness.models.omniportrait.checkpoint import load as load_omniportrait
from likeness.models.weights.reading import read_metadata
from likeness.tests.miniature.small_base import SIZES
from likeness.tests.miniature.small_recipe import FEW_STEPS, small_settings


class Asked:
    """Stands for a recipe: notes which of its networks are asked for, each after those that it is made of."""

    def __init__(self):
        self.names = []

    def __getattr__(self, name):
        return lambda *given: self.names.append(name)


def test_the_phases_make_every_network_that_ships():
    recipes = [[Asked() for _ in phase] for phase in PHASES]
    for phase, asked in zip(PHASES, recipes, strict=True):
        for work, recipe in zip(phase, asked, strict=True):
            work(recipe)
    first, second, third, fourth = ([set(recipe.names) for recipe in asked] for asked in recipes)
    assert first == [{"base"}, {"judge", "finder", "faces", "parser"}]
    assert set.union(*second) - {"base", "faces"} == {"stage_two", "consistentid", "omniportrait"}
    assert third == [{"base", "faces", "ip_adapter"}, {"styled_judge"}]
    assert fourth == [{"keep"}]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder, kept = tmp_path_factory.mktemp("written"), tmp_path_factory.mktemp("kept")
    one = replace(FEW_STEPS, steps=1, warmup=0, batch=4)
    recipe = Recipe(kept, small_settings(one, pictures=2, spread_pictures=2))
    write_files(recipe, folder)
    return recipe, folder


@pytest.mark.slow
def test_the_files_that_ship_are_written_and_can_be_read(written):
    recipe, folder = written
    assert {path.name for path in folder.iterdir()} == {path.name for path in WEIGHTS.iterdir()}
    read_face_networks(folder / "faces.safetensors")
    read_uniportrait(folder / "uniportrait.safetensors")
    read_judge(folder / "judge.safetensors")
    load_consistentid(folder / "consistentid.safetensors", dim_head=16)
    load_omniportrait(folder / "omniportrait.safetensors")
    for name in ("ip_adapter", "style_adapter"):
        load_ip_adapter(folder / f"{name}.safetensors")
    load_facestudio(folder / "facestudio.safetensors")
    load_prior(folder / "prior.safetensors")
    read_styled_judge(folder / "judge.safetensors", folder / "styled_readers.safetensors")
    base = base_weights(read_base(folder / "base.safetensors"), SIZES)
    for key, weight in base_weights(recipe.base(), SIZES).items():
        expected = weight.half().float() if weight.is_floating_point() else weight
        assert torch.equal(base[key], expected), key


@pytest.mark.slow
def test_every_file_says_where_it_comes_from(written):
    _, folder = written
    for path in folder.iterdir():
        said, shipped = read_metadata(path), read_metadata(WEIGHTS / path.name)
        assert said.keys() == shipped.keys()
        assert {name: said[name] for name in ("licence", "made_by", "seed")} == {
            "licence": "Apache-2.0",
            "made_by": "likeness.miniature.recipe",
            "seed": str(SHIPPED.seed),
        }


@pytest.mark.parametrize("name", command.ADAPTERS)
def test_one_adapter_alone_is_written_by_a_recipe_on_the_files_that_ship(tmp_path, monkeypatch, capsys, name):
    asked = []
    monkeypatch.setitem(command.ADAPTERS, name, lambda recipe, folder: asked.append((recipe, folder)))
    monkeypatch.setattr(command, "_side_by_side", lambda *given: pytest.fail("more is trained"))
    monkeypatch.setattr(sys, "argv", ["recipe", "--folder", str(tmp_path), "--only", name])
    assert command.main() == 0
    assert asked == [(ShippedRecipe(tmp_path), WEIGHTS)]
    assert capsys.readouterr().out.startswith("miniature: written to weights/")


def test_the_adapters_are_those_that_ship(monkeypatch, tmp_path):
    for name in ("write_weights", "write_styled_readers"):
        monkeypatch.setattr(command, name, lambda path, weights, notes: path.touch())
    monkeypatch.setattr(StyleRecipe, "description", Description())
    for write in command.ADAPTERS.values():
        stand_in: Any = StandIn()
        write(stand_in, tmp_path)
    others = {"base.safetensors", "faces.safetensors", "judge.safetensors"}
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in WEIGHTS.iterdir()} - others


class StandIn:
    """As much of a recipe as is asked for; its networks are nothing."""

    settings = SHIPPED

    def base(self):
        return None

    faces = base

    def stage_one(self, *given):
        return {}

    stage_two = consistentid = omniportrait = ip_adapter = keep = styled_judge = stage_one


def test_a_fault_ends_the_command_with_one_line(tmp_path, monkeypatch, capsys):
    def refuse(phase, folder):
        raise InvalidSettingError(f"Nothing can be made in {folder.name}; choose another folder.")

    monkeypatch.setattr(command, "_side_by_side", refuse)
    monkeypatch.setattr(sys, "argv", ["recipe", "--folder", str(tmp_path / "full")])
    assert command.main() == 1
    assert capsys.readouterr().err == "Nothing can be made in full; choose another folder.\n"
