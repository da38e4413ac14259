"""FaceStudio in a file: its numbers by form, and what has to be said."""

from __future__ import annotations

import pytest
from likeness.tests.training.small_config import FACESTUDIO, FACESTUDIO_KEYS, config_of, faults_of, write

FULL = {"method.form": '"full"'}


def test_the_light_form_has_our_numbers_and_the_full_one_the_papers(tmp_path):
    light = config_of(write(tmp_path, FACESTUDIO_KEYS))
    assert (light.name, light.steps, light.learning_rate, light.accumulate) == (FACESTUDIO, 50_000, 1e-5, 4)
    full = config_of(write(tmp_path, {**FACESTUDIO_KEYS, **FULL}))
    assert (full.steps, full.learning_rate, full.accumulate) == (100_000, 1e-6, 16)
    for config in (light, full):
        assert (config.people, config.data.batch_size, config.optimizer.weight_decay) == ((0, 1), 16, 0.01)
        assert (config.method.drop_style, config.method.drop_face) == (0.64, 0.1)
        assert (config.base.style_encoder, config.samples.guidance) == ("vitl", 5.0)
        assert config.base.style == (tmp_path / "style.safetensors",)


def test_what_the_file_says_holds_in_both_forms(tmp_path):
    said = {"run.steps": "6", "optimizer.learning_rate": "0.5", "optimizer.accumulate": "2", "data.people": "[0, 0]"}
    for form in ({}, FULL):
        config = config_of(write(tmp_path, {**FACESTUDIO_KEYS, **form, **said}))
        assert (config.steps, config.learning_rate, config.accumulate, config.people) == (6, 0.5, 2, (0, 0))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"base.style": None},
            "[base] style is missing; choose a list of any length, each the path of a file that exists.",
        ),
        (
            {"base.style_encoder": '"paper3"'},
            '[base] style names 1 file, but style_encoder is "paper3"; name 3: ViT-L-14, RN101, ViT-B-32.',
        ),
        (
            {**FULL, "method.rank": "4"},
            '[method] rank is given, but form is "full", which trains the whole UNet at one rate; remove it.',
        ),
        (
            {**FULL, "method.faster": "4.0"},
            '[method] faster is given, but form is "full", which trains the whole UNet at one rate; remove it.',
        ),
        (
            {"method.init_from": '"start.safetensors"', "method.start": "1.0"},
            "[method] start is given, but init_from names a layer that has begun; remove one of them.",
        ),
        (
            {"samples.every": "1", "samples.prompts": '["a"]', "samples.references": '["1"]'},
            "[samples] prompts is given, but FaceStudio is told nothing by a text while it is trained; remove it.",
        ),
        (
            {"samples.every": "1"},
            "[samples] references is empty, but every is 1; give at least one or set every to 0.",
        ),
        ({"method.drop_style": "1.5"}, "[method] drop_style is 1.5; choose a number from 0 to 1."),
        ({"method.form": '"half"'}, '[method] form is "half"; choose one of "light", "full".'),
    ],
)
def test_a_fault_has_its_message(tmp_path, changes, expected):
    assert faults_of(write(tmp_path, {**FACESTUDIO_KEYS, **changes})) == [expected]


def test_other_methods_take_no_picture_of_nobody(tmp_path):
    [fault] = faults_of(write(tmp_path, {"data.people": "[0, 1]"}))
    assert fault.startswith("[data] people is [0, 1]; choose")
