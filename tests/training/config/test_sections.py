"""Sections that all methods share: which values are good, and which contradict each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from likeness.tests.training.small_config import config_of, faults_of, write
from likeness.training.config.sections import DataConfig, SamplesConfig


@pytest.mark.parametrize(
    ("place", "value", "wanted"),
    [
        ("run.steps", "0", "a whole number from 1 up"),
        ("run.steps", "1.5", "a whole number from 1 up"),
        ("run.output", '" "', "a path"),
        ("base.family", '"sd3"', 'one of "auto", "sd15", "sdxl"'),
        ("data.size", "500", "a whole number divisible by 64 from 64 to 4096"),
        ("data.people", "[3, 2]", "a list of 2 entries, each a whole number from 1 to 16, the smaller first"),
        ("data.workers", "-1", "a whole number from 0 to 256"),
        ("optimizer.betas", "[0.9]", "a list of 2 entries, each a number from 0 and below 1"),
        ("precision.mixed", '"fp8"', 'one of "no", "fp16", "bf16"'),
        ("ema.decay", "1", "a number from 0 and below 1"),
        ("samples.guidance", "0.5", "a number from 1 up"),
        ("samples.prompts", "[1]", "a list of any length, each a text in quotes"),
        ("export.name", '"a/b"', "a file name without a folder"),
        ("export.name", '".."', "a file name without a folder"),
        ("logging.tensorboard", "1", "true or false"),
    ],
)
def test_a_value_outside_its_range_is_refused(tmp_path, place, value, wanted):
    section, _, name = place.partition(".")
    assert faults_of(write(tmp_path, {place: value})) == [f"[{section}] {name} is {value}; choose {wanted}."]


def test_a_whole_number_is_good_where_fractions_are(tmp_path):
    rate = config_of(write(tmp_path, {"optimizer.learning_rate": "1"})).optimizer.learning_rate
    assert (rate, type(rate)) == (1.0, float)


def test_an_absolute_path_stays(tmp_path):
    other = tmp_path / "vae.safetensors"
    other.touch()
    assert config_of(write(tmp_path, {"base.vae": f"'{other}'"})).base.vae == other


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ({}, "both missing"),
        ({"manifest": Path("a"), "shards": ("b",)}, "both given"),
        ({"manifest": Path("a")}, None),
        ({"shards": ("b",)}, None),
    ],
)
def test_pictures_come_from_one_source(given, seen):
    expected = [f"[data] manifest and shards are {seen}; give one of them."] if seen else []
    assert list(DataConfig(**given).faults()) == expected


def test_a_grid_needs_seeds_prompts_and_references_and_without_one_nothing_is_needed():
    assert list(SamplesConfig(every=5, seeds=()).faults()) == [
        f"[samples] {name} is empty, but every is 5; give at least one or set every to 0."
        for name in ("seeds", "prompts", "references")
    ]
    assert not list(SamplesConfig(every=5, prompts=("a",), references=("b",)).faults())
    assert not list(SamplesConfig(every=0, seeds=()).faults())
