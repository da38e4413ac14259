"""Methods make themselves known: one entry, and a file may name a further one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.models.errors import ConfigError
from likeness.tests.training.small_config import PIVOT_KEYS, write
from likeness.training import assembly
from likeness.training.assembled import Registration
from likeness.training.config.file import read_config
from likeness.training.config.manual import key_table
from likeness.training.methods import CONFIGS, METHODS
from likeness.training.omniportrait.config import PivotConfig

TRAINING = Path(assembly.__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrowAwayConfig(PivotConfig):
    name: ClassVar[str] = "throw-away"
    title: ClassVar[str] = "a method of this test"
    place: ClassVar[str] = "for the test"


def test_every_method_has_a_name_of_its_own():
    assert len({config.name for config in CONFIGS}) == len(METHODS) == 6


def test_a_further_method_is_one_more_entry(tmp_path, monkeypatch):
    monkeypatch.setattr(assembly, "METHODS", (*METHODS, Registration(ThrowAwayConfig, lambda *given: given)))
    path = write(tmp_path, {**PIVOT_KEYS, "method.name": '"throw-away"'})
    config = read_config(path, (*CONFIGS, ThrowAwayConfig))
    device = torch.device("cpu")
    assert assembly.assemble(config, device) == (config, device)
    assert "`2e-05` for the pivot and for the test" in key_table((*CONFIGS, ThrowAwayConfig))
    with pytest.raises(ConfigError, match=r'name is "throw-away"; choose one of "uniportrait-stage1"'):
        read_config(path, CONFIGS)


@pytest.mark.parametrize("config", CONFIGS)
def test_nothing_outside_its_folder_names_a_method(config):
    folder = config.__module__.split(".")[-2]
    named = [
        file.name
        for file in TRAINING.rglob("*.py")
        if folder not in file.relative_to(TRAINING).parts and config.name in file.read_text(encoding="utf-8")
    ]
    assert named == []
