"""The pivot's networks: new ones around open_clip's weights, those of an adapter, and what a file has to hold of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.models.errors import IncompatibleBaseModelError, LikenessError
from likeness.models.omniportrait.checkpoint import VISUAL, adapter_metadata
from likeness.tests.training.small_files import TOWER, write_tower
from likeness.tests.training.small_world import small_base
from likeness.training.export import export
from likeness.training.omniportrait.config import PivotMethodConfig
from likeness.training.omniportrait.method import OmniPortraitPivot, PivotTraining
from likeness.training.omniportrait.networks import read_networks
from safetensors.torch import load_file, save_file


@pytest.fixture
def tower(tmp_path) -> Path:
    write_tower(tmp_path / "tower.safetensors")
    return tmp_path / "tower.safetensors"


@pytest.fixture(scope="module")
def base():
    return small_base()


def asked(tower, **changes):
    told = {"pivot_activation": TOWER.activation, "pivot_mean": TOWER.mean, "pivot_std": TOWER.std}
    return PivotMethodConfig(**{"pivot": tower, **told, **changes})


def write_adapter(path, networks, base):
    method = OmniPortraitPivot(
        base, networks.pivot, networks.image_encoder, side=8, seed=0, training=PivotTraining(visual="linear"),
        stored=networks.stored,
    )  # fmt: skip
    details = adapter_metadata(networks.image_encoder.config, networks.base_file)
    method.detach()
    return export(method.weights(), path, details=details, dtype=torch.float32)


def test_sizes_are_read_from_the_towers_weights(tower, base):
    networks = read_networks(asked(tower), base, seed=0)
    assert networks.image_encoder.config == TOWER
    stored = {key: tensor for key, tensor in load_file(tower).items() if key.startswith(f"{VISUAL}.")}
    assert stored
    for key, tensor in networks.image_encoder.visual.state_dict().items():
        assert torch.equal(tensor, stored[f"{VISUAL}.{key}"])


def test_the_seed_decides_the_new_layer_and_leaves_the_global_state_alone(tower, base):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    first, same, other = (read_networks(asked(tower), base, seed=seed).pivot.state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(2), expected)
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert not torch.equal(first["fusion.weight"], other["fusion.weight"])


@pytest.mark.parametrize(("visual", "share"), [("full", "all"), ("last2", "some"), ("linear", "none")])
def test_a_file_has_to_hold_what_is_trained_and_names_the_rest(tower, base, visual, share):
    networks = read_networks(asked(tower, visual=visual), base, seed=0)
    keys = set(networks.image_encoder.visual.state_dict())
    if share == "all":
        assert (networks.stored, networks.base_file) == (None, None)
    else:
        assert bool(networks.stored) == (share == "some")
        assert networks.stored < keys
        assert networks.base_file is not None


def test_an_adapter_goes_on_with_its_own_layer_and_the_tower_that_it_names(tower, base, tmp_path):
    begun = read_networks(asked(tower, visual="linear"), base, seed=5)
    adapter = write_adapter(tmp_path / "adapter.safetensors", begun, base)
    again = read_networks(PivotMethodConfig(init_from=adapter, pivot=tower, visual="last2"), base, seed=0)
    assert torch.equal(again.pivot.fusion.weight, begun.pivot.fusion.weight)
    assert again.image_encoder.config == TOWER
    assert again.stored


def test_an_adapter_for_text_of_another_width_is_refused(tower, base, tmp_path):
    adapter = write_adapter(
        tmp_path / "adapter.safetensors", read_networks(asked(tower, visual="linear"), base, seed=0), base
    )
    wider = replace(base, unet=SimpleNamespace(config={"cross_attention_dim": 32}))
    with pytest.raises(IncompatibleBaseModelError, match="fuses text 24 wide, this base reads text 32 wide"):
        read_networks(PivotMethodConfig(init_from=adapter, pivot=tower), wider, seed=0)


def test_a_tower_without_what_sizes_are_read_from_is_refused(tower, base):
    weights = load_file(tower)
    del weights[f"{VISUAL}.conv1.weight"]
    save_file(weights, tower)
    with pytest.raises(LikenessError, match="conv1"):
        read_networks(asked(tower), base, seed=0)
