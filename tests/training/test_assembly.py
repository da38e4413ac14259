"""Each configuration is assembled by its own method, and an adapter says how it was trained."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.tests.training.small_config import PIVOT_KEYS, STAGE2_KEYS, config_of, write
from likeness.tests.training.small_world import small_base
from likeness.training import assembly
from likeness.training.assembled import Registration
from likeness.training.assembly import assemble, export_details
from likeness.training.methods import CONFIGS


def test_a_configuration_is_assembled_by_the_method_of_its_class(tmp_path, monkeypatch):
    named = tuple(
        Registration(config, lambda given, device, name=config.name: (name, given, device)) for config in CONFIGS
    )
    monkeypatch.setattr(assembly, "METHODS", named)
    device = torch.device("cpu")
    for changes in ({}, STAGE2_KEYS, PIVOT_KEYS):
        config = config_of(write(tmp_path, changes))
        assert assemble(config, device) == (config.name, config, device)


def test_an_adapter_says_how_it_was_trained(tmp_path):
    config = config_of(write(tmp_path, {"run.seed": "5", "data.size": "128", "data.people": "[1, 3]"}))
    parts = SimpleNamespace(method=SimpleNamespace(base=small_base("sdxl", "v")), details={"backbone": "face.bin"})
    assert export_details(config, parts, 7) == {
        "method": "uniportrait-stage1", "base": "sdxl", "prediction": "v", "step": 7, "seed": 5, "size": 128,
        "people": [1, 3], "data": "manifest.jsonl", "base_checkpoint": "base.safetensors", "backbone": "face.bin",
    }  # fmt: skip
    shards = replace(config, data=replace(config.data, manifest=None, shards=("a.tar", "b.tar")))
    assert export_details(shards, parts, 7)["data"] == "a.tar, b.tar"
