"""The recipe begun from files that are there: what is read, and that nothing of it is trained."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.miniature.networks.checkpoint import base_weights, read_base
from likeness.miniature.recipe import shipped
from likeness.miniature.recipe.shipped import ShippedRecipe
from likeness.models.ip_adapter.checkpoint import load
from likeness.tests.miniature.small_base import SIZES
from likeness.tests.miniature.small_files import FACE_WIDTH, write_files
from likeness.tests.miniature.small_recipe import small_settings


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("small"))


@pytest.fixture
def recipe(paths, tmp_path, monkeypatch):
    for name in ("base", "faces"):
        monkeypatch.setattr(shipped, name.upper(), paths[name])
    return ShippedRecipe(tmp_path, small_settings())


def test_base_and_face_networks_are_those_of_the_files(paths, recipe):
    mine, theirs = (base_weights(each, SIZES) for each in (recipe.base(), read_base(paths["base"])))
    assert all(torch.equal(mine[key], theirs[key]) for key in theirs)
    assert recipe.faces().backbone.tap_channels[-1] == FACE_WIDTH
    assert not list(recipe.folder.iterdir())


def test_an_adapter_alone_is_trained_on_them(recipe):
    adapter = load(recipe.ip_adapter(recipe.base(), recipe.faces()))
    assert adapter.face_width == FACE_WIDTH
    kept = {path.name for path in recipe.folder.iterdir()}
    assert kept == {"people", "ip-adapter faceid", "ip-adapter faceid.safetensors"}


def test_the_parser_is_read_too(recipe):
    assert not any(parameter.requires_grad for parameter in recipe.parser().parameters())
    assert not list(recipe.folder.iterdir())
