"""A whole configuration: the paper's numbers where a file is silent."""

from __future__ import annotations

import pytest
from likeness.tests.training.small_config import FACESTUDIO_KEYS, PIVOT_KEYS, STAGE2_KEYS, config_of, write
from likeness.training.config.run import TrainingConfig, sections_of
from likeness.training.config.sections import Section
from likeness.training.methods import CONFIGS

SAID = {"run.steps": "6", "optimizer.learning_rate": "0.5", "data.people": "[1, 3]", "optimizer.accumulate": "2"}


@pytest.mark.parametrize(
    ("changes", "steps", "rate", "people"),
    [
        ({}, 300_000, 1e-5, (1, 1)),
        (STAGE2_KEYS, 150_000, 1e-5, (2, 4)),
        (PIVOT_KEYS, 80_000, 2e-5, (1, 1)),
    ],
)
def test_a_method_has_its_papers_numbers_until_the_file_says_others(tmp_path, changes, steps, rate, people):
    config = config_of(write(tmp_path, changes))
    assert (config.steps, config.learning_rate, config.people, config.batches) == (steps, rate, people, steps)
    config = config_of(write(tmp_path, changes | SAID))
    assert (config.steps, config.learning_rate, config.people, config.batches) == (6, 0.5, (1, 3), 12)


@pytest.mark.parametrize(("changes", "accumulated"), [({}, 1), (FACESTUDIO_KEYS, 4)])
def test_a_method_says_how_many_batches_make_a_step(tmp_path, changes, accumulated):
    config = config_of(write(tmp_path, changes))
    assert (config.accumulate, config.batches) == (accumulated, accumulated * config.steps)
    assert config_of(write(tmp_path, changes | {"optimizer.accumulate": "2"})).accumulate == 2


def test_every_method_has_all_sections_and_may_know_more_of_them():
    shared = sections_of(TrainingConfig)
    for config in CONFIGS:
        mine = sections_of(config)
        assert list(mine) == list(shared)
        assert all(issubclass(mine[name], kind) and issubclass(kind, Section) for name, kind in shared.items())
        assert mine["method"] is not shared["method"]
