"""How a network is trained: its rate, its rows, and what cannot be."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from dataclasses import replace

from likeness.miniature.recipe.train_config import TrainConfig
from likeness.models.errors import InvalidSettingError


def test_the_rate_rises_in_a_line_and_falls_as_a_cosine():
    config = TrainConfig(seed=0, steps=1100, batch=1, learning_rate=2e-3, warmup=100)
    assert config.rate(0) == pytest.approx(2e-3 / 101)
    assert config.rate(49) == pytest.approx(2e-3 * 50 / 101)
    assert config.rate(100) == 2e-3
    assert config.rate(600) == pytest.approx(1e-3)
    assert 0 < config.rate(1099) < 1e-8


def test_a_training_shorter_than_its_warm_up_is_refused():
    with pytest.raises(InvalidSettingError, match="cannot warm up for 100"):
        TrainConfig(seed=0, steps=100, batch=1, learning_rate=1e-3)


def test_the_rows_of_a_step_follow_those_of_the_step_before():
    config = TrainConfig(seed=7, steps=200, batch=3, learning_rate=1e-3)
    assert [config.draws(step).positions for step in (0, 1, 9)] == [(0, 1, 2), (3, 4, 5), (27, 28, 29)]
    assert torch.equal(config.draws(1).uniform("x"), replace(config, batch=6).draws(0).uniform("x")[3:])
    assert not torch.equal(config.draws(1).uniform("x"), replace(config, seed=8).draws(1).uniform("x"))
