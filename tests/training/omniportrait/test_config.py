"""The pivot in a file: the paper's numbers, and what has to be said of the image encoder that it begins with."""

from __future__ import annotations

import pytest
from likeness.tests.training.small_config import (
    FACEID,
    FACESTUDIO,
    PIVOT,
    PIVOT_KEYS,
    STAGE1,
    STAGE2,
    config_of,
    faults_of,
    write,
)

START = {"method.init_from": '"start.safetensors"'}
UNTOLD = {"method.pivot_activation": None, "method.pivot_mean": None, "method.pivot_std": None}


def test_the_pivot_has_the_papers_numbers(tmp_path):
    method = config_of(write(tmp_path, PIVOT_KEYS)).method
    assert (method.visual, method.eta, method.drop) == ("full", 2e-3, 0.1)
    assert method.pivot_mean == (0.5, 0.5, 0.5)


def test_a_pivot_may_go_on_without_the_first_weights(tmp_path):
    method = config_of(write(tmp_path, {**PIVOT_KEYS, **UNTOLD, **START, "method.pivot": None})).method
    assert (method.pivot, method.pivot_std) == (None, None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"method.pivot": None, "method.pivot_mean": None},
            [
                "[method] pivot is missing; without init_from, give the weights that the image encoder begins with.",
                "[method] pivot_mean is missing; without init_from, give what those weights were trained with; no tensor "
                "tells it.",
            ],
        ),
        (
            {**START, **UNTOLD, "method.pivot_std": "[1, 1, 1]"},
            ["[method] pivot_std is given, but the adapter in init_from says it; remove it."],
        ),
        (
            {"method.rank": "4", "base.backbone": '"face.bin"', "export.published_layout": "true"},
            [
                f'[{section}] {key} is {value}, but only {users} use it and name is "{PIVOT}"; remove it.'
                for section, key, value, users in (
                    ("base", "backbone", '"face.bin"', f"{STAGE1} and {STAGE2}"),
                    ("method", "rank", "4", f"{STAGE1}, {STAGE2}, {FACEID} and {FACESTUDIO}"),
                    ("export", "published_layout", "true", f"{STAGE1}, {STAGE2} and {FACEID}"),
                )
            ],
        ),
        (
            {"samples.prompts": '["a man", "a cat"]'},
            [
                '[samples] prompts[1] is "a cat": No word of the prompt is known to mean a person; write @id1 behind the '
                'one that does, as in "a wizard @id1".'
            ],
        ),
        (
            {"samples.every": "2", "samples.prompts": '["a man"]'},
            ["[samples] references is empty, but every is 2; give at least one or set every to 0."],
        ),
        (
            {"method.pivot_std": "[0.5, 0, 1]"},
            ["[method] pivot_std is [0.5, 0, 1]; choose a list of 3 entries, each a number above 0."],
        ),
    ],
)
def test_a_fault_has_its_message(tmp_path, changes, expected):
    assert faults_of(write(tmp_path, {**PIVOT_KEYS, **changes})) == expected
