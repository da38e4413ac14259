from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.recipe.loop import train
from likeness.miniature.recipe.train_config import TrainConfig
from likeness.models.errors import InvalidSettingError
from torch import nn

FEW_STEPS = TrainConfig(seed=5, steps=12, batch=4, learning_rate=0.05, warmup=3, decay=0.9, save_every=5)


def new_network():
    return nn.Linear(3, 2)


def run(folder, *, config=FEW_STEPS, until=None):
    """Learn a sum of random numbers; gives the weights and what the steps drew."""
    torch.manual_seed(0)
    network, seen = new_network(), []

    def loss(draws):
        if len(seen) == until:
            raise InterruptedError
        seen.append(draws.positions)
        given = draws.normal("given", (3,))
        return (network(given) - given.sum(1, keepdim=True)).square().mean()

    try:
        train(config, network, loss, folder)
    except InterruptedError:
        return None, seen
    return [parameter.detach().clone() for parameter in network.parameters()], seen


def test_an_interrupted_training_ends_bit_for_bit_where_an_uninterrupted_one_does(tmp_path):
    expected, all_rows = run(tmp_path / "whole")
    run(tmp_path / "parts", until=7)
    weights, rows = run(tmp_path / "parts")
    assert rows == all_rows[5:]  # from the checkpoint after step 5
    assert all(torch.equal(mine, other) for mine, other in zip(weights, expected, strict=True))


def test_a_finished_training_gives_its_weights_without_a_step(tmp_path):
    expected, _ = run(tmp_path)
    weights, rows = run(tmp_path)
    assert rows == []
    assert all(torch.equal(mine, other) for mine, other in zip(weights, expected, strict=True))


def test_every_row_of_a_training_is_its_own(tmp_path):
    _, rows = run(tmp_path)
    assert [place for step in rows for place in step] == list(range(12 * 4))


def test_the_weights_are_the_average_over_the_last_steps(tmp_path):
    averaged, _ = run(tmp_path)
    state = torch.load(tmp_path / "checkpoints" / "step-00000012" / "state.pt", weights_only=True)
    last = state["network"]["weight"]
    assert not torch.allclose(averaged[0], last, atol=1e-3)
    assert torch.equal(averaged[0], state["average"]["shadow_params"][0])


@pytest.mark.parametrize("change", [{"seed": 6}, {"learning_rate": 0.04}, {"steps": 13}])
def test_checkpoints_of_another_training_are_refused(tmp_path, change):
    run(tmp_path)
    with pytest.raises(InvalidSettingError, match="another training or network"):
        run(tmp_path, config=replace(FEW_STEPS, **change))


def test_checkpoints_of_another_network_are_refused(tmp_path):
    run(tmp_path)
    with pytest.raises(InvalidSettingError, match="another training or network"):
        train(FEW_STEPS, nn.Linear(3, 4), lambda draws: torch.zeros(()), tmp_path)


def test_a_loss_that_is_no_number_stops_the_training(tmp_path):
    network = new_network()
    with pytest.raises(InvalidSettingError, match="loss of step 1 is nan"):
        train(FEW_STEPS, network, lambda draws: network(torch.full((1, 3), math.nan)).sum(), tmp_path)
