"""Speeds the right way round, every setting under its heading, and the share that a way to train adds."""

from __future__ import annotations

import argparse

import pytest
import torch
from torch import nn

pytest.importorskip("diffusers")

from likeness.benchmarks.training import steps
from likeness.benchmarks.training.methods import PEOPLE, PLAIN
from likeness.benchmarks.training.steps import speeds
from likeness.training.uniportrait.config import StageOneConfig


def test_twice_as_slow_is_half_the_speed():
    found = speeds({PLAIN: [1.0, 2.0, 3.0], StageOneConfig.name: [2.0, 4.0, 6.0]})
    assert found[StageOneConfig.name].median == 0.5
    assert found[PLAIN].median == 1.0


class Way:
    """Stands for a way to train: a product of matrices whose size its name decides."""

    def __init__(self, name: str) -> None:
        self.weight = nn.Parameter(torch.ones(1, 10 + list(PEOPLE).index(name)))
        self.base = argparse.Namespace(unet=self)
        self.checkpointing: list[bool] = []

    def enable_gradient_checkpointing(self):
        self.checkpointing.append(True)

    def disable_gradient_checkpointing(self):
        self.checkpointing.append(False)

    def trained(self):
        return [self.weight]


@pytest.fixture
def ways(monkeypatch):
    made = []

    def new_method(name, base, rank):
        made.append(Way(name))
        return made[-1]

    monkeypatch.setattr(steps, "new_base", lambda device: None)
    monkeypatch.setattr(steps, "new_method", new_method)
    monkeypatch.setattr(steps, "new_batch", lambda name, side: torch.ones(1, side))
    monkeypatch.setattr(steps, "new_step", lambda way, batch: lambda: way.weight.T.detach() @ batch)
    return made


@pytest.mark.parametrize("stage", [StageOneConfig.name])
def test_work_is_told_beside_that_of_plain_lora_for_every_setting(stage, ways, capsys):
    steps.print_flop(argparse.Namespace(sizes=[50, 100], methods=[stage], rank=4))
    headings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FLOP")]
    assert headings == [
        f"FLOP of a step, {side}x{side}, {how} checkpointing" for side in (50, 100) for how in ("without", "with")
    ]
    assert [way.checkpointing for way in ways] == [[False], [False], [True], [True]] * 2


def test_the_extra_work_is_in_per_cent(ways, capsys):
    steps.print_flop(argparse.Namespace(sizes=[50], methods=[StageOneConfig.name], rank=4))
    plain, ours = capsys.readouterr().out.splitlines()[2:4]
    assert plain.split()[:1] + plain.split()[3:5] == [PLAIN, "+0.00", "%"]
    assert ours.split()[3:5] == ["+10.00", "%"]
