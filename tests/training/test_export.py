"""Exported files: read back by the loader of the nodes, the same picture in diffusers' UNet, and training goes on."""

from __future__ import annotations

import copy

import pytest
import torch

pytest.importorskip("diffusers")

from diffusers.training_utils import EMAModel
from likeness.diffusers_host.attention import RunContext, attach
from likeness.models.adapters.identity_attention import Acting, IdentityResidual
from likeness.models.placement.placements import Everywhere
from likeness.models.port.attention import Run
from likeness.models.uniportrait.checkpoint import load
from likeness.models.weights.reading import read_metadata
from likeness.tests.training.overfitting import overfit
from likeness.tests.training.small_world import small_base, small_batch, stage_one, stage_two
from likeness.training.export import export, use_average
from safetensors.torch import load_file

NAMES = ["adapter.safetensors", "adapter.bin"]


@pytest.mark.parametrize("name", NAMES)
def test_an_exported_adapter_draws_what_training_drew(tmp_path, name):
    method, batch = stage_one(), small_batch(rows=1)
    overfit(method, batch, steps=2)
    path = export(method.weights(), tmp_path / name, details={}, dtype=torch.float32)
    with torch.no_grad():
        method.show(batch)
        trained = method.base.unet(batch.latents, torch.tensor(500), batch.text).sample
    adapter, unet = load(path, dim_head=8), copy.deepcopy(small_base().unet)
    with torch.no_grad():
        tokens = adapter.id_embedding(batch.intrinsic[:, 0], batch.structure[:, 0], 1.0)
        residual = IdentityResidual(
            adapter.face_attention, tokens, tokens, (Acting(name="one", strength=1.0),), Everywhere(1)
        )
        attach(unet, residual, lora=adapter.single_lora, context=RunContext(run=Run()))
        loaded = unet(batch.latents, torch.tensor(500), batch.text).sample
    torch.testing.assert_close(loaded, trained, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_stage_two_loads_beside_stage_one(tmp_path, name):
    first = export(stage_one().weights(), tmp_path / f"one-{name}", details={})
    second = export(stage_two().weights(), tmp_path / f"two-{name}", details={})
    adapter = load(first, second, dim_head=8)
    assert len(adapter.routers) == 16
    assert adapter.multi_lora is not None
    assert next(adapter.routers.parameters()).dtype == torch.float16


def test_the_file_says_what_it_is(tmp_path):
    details = {"method": "uniportrait-stage1", "steps": 3, "sizes": {"rank": 2}}
    path = export(stage_one().weights(), tmp_path / "a" / "adapter.safetensors", details=details)
    assert read_metadata(path) == {
        "format": "likeness/1",
        "method": "uniportrait-stage1",
        "steps": "3",
        "sizes": '{"rank": 2}',
    }
    assert [entry.name for entry in path.parent.iterdir()] == ["adapter.safetensors"]


def test_the_average_is_there_for_a_while():
    method = stage_one()
    average = EMAModel(list(method.trained()), decay=0.9)
    start = method.id_embedding.latents.detach().clone()
    overfit(method, small_batch(), steps=1)
    trained = method.id_embedding.latents.detach().clone()
    with use_average(method, average):
        assert torch.equal(method.id_embedding.latents, start)
    assert torch.equal(method.id_embedding.latents, trained)
    with use_average(method, None):
        assert torch.equal(method.id_embedding.latents, trained)


def test_a_part_without_a_name_gives_bare_keys(tmp_path):
    path = export({"": {"a": torch.ones(1)}, "part": {"b": torch.zeros(1)}}, tmp_path / "a.safetensors", details={})
    assert load_file(path).keys() == {"a", "part.b"}
