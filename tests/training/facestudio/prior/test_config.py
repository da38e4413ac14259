"""FaceStudio's prior in a file: its numbers, and what has to be said."""

from __future__ import annotations

import pytest
from likeness.tests.training.small_config import PRIOR, PRIOR_KEYS, config_of, faults_of, write


def test_the_prior_needs_no_base_and_has_its_numbers(tmp_path):
    config = config_of(write(tmp_path, PRIOR_KEYS))
    assert (config.name, config.steps, config.learning_rate, config.people) == (PRIOR, 100_000, 1.1e-4, (0, 16))
    assert (config.method.drop_caption, config.method.hide_faces, config.method.measured) == (0.1, True, 1024)
    assert config.base.text_tower == tmp_path / "tower.safetensors"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"base.text_tower": None}, "[base] text_tower is missing; choose the path of a file that exists."),
        (
            {"base.style_encoder": '"paper3"'},
            '[base] style names 1 file, but style_encoder is "paper3"; name 3: ViT-L-14, RN101, ViT-B-32.',
        ),
        (
            {"method.width": "100"},
            "[method] width is 100 and dim_head is 64; choose an even width that dim_head divides.",
        ),
        (
            {"method.init_from": '"start.safetensors"', "method.depth": "2"},
            "[method] depth is given, but the prior in init_from has one; remove it.",
        ),
        ({"method.measured": "1"}, "[method] measured is 1; choose a whole number from 2 up."),
        (
            {"precision.gradient_checkpointing": "true"},
            "[precision] gradient_checkpointing is true, but a prior has nothing that it saves; remove it.",
        ),
        ({"samples.every": "2"}, "[samples] every is 2, but a prior draws no pictures; remove it."),
    ],
)
def test_a_fault_has_its_message(tmp_path, changes, expected):
    assert faults_of(write(tmp_path, {**PRIOR_KEYS, **changes})) == [expected]


def test_a_base_model_is_refused(tmp_path):
    [fault] = faults_of(write(tmp_path, {**PRIOR_KEYS, "base.checkpoint": '"base.safetensors"'}))
    assert fault.endswith(f'and facestudio use it and name is "{PRIOR}"; remove it.')
