"""UniPortrait's two stages in a file: the paper's numbers, and what each stage has to be told."""

from __future__ import annotations

import pytest
from likeness.tests.training.small_config import STAGE1, STAGE2, STAGE2_KEYS, config_of, faults_of, write


def test_stage_one_has_the_papers_numbers(tmp_path):
    method = config_of(write(tmp_path)).method
    assert (method.rank, method.init_from) == (None, None)
    assert (method.drop_token, method.drop_path, method.drop_face, method.swap_identity) == (0.33, 0.33, 0.05, 0.1)


def test_stage_two_has_the_papers_numbers(tmp_path):
    method = config_of(write(tmp_path, STAGE2_KEYS)).method
    assert (method.route_weight, method.route_loss, method.tau) == (0.1, "sum", 1.0)
    assert (method.drop_face, method.init_router) == (0.05, None)
    assert method.init_from == tmp_path / "start.safetensors"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"method.name": f'"{STAGE2}"'},
            "[method] init_from is missing; stage II freezes what stage I trained: name its export.",
        ),
        (
            {"method.init_router": '"start.safetensors"'},
            f'[method] init_router is "start.safetensors", but only {STAGE2} uses it and name is "{STAGE1}"; remove it.',
        ),
        ({"method.drop_token": "1.2"}, "[method] drop_token is 1.2; choose a number from 0 to 1."),
        ({"method.drop_path": "1"}, "[method] drop_path is 1; choose a number from 0 and below 1."),
        (
            {**STAGE2_KEYS, "method.route_loss": '"average"'},
            '[method] route_loss is "average"; choose one of "sum", "mean".',
        ),
        ({**STAGE2_KEYS, "method.tau": "0"}, "[method] tau is 0; choose a number above 0."),
        (
            {**STAGE2_KEYS, "method.swap_identity": "0.5"},
            f'[method] swap_identity is 0.5, but only {STAGE1} uses it and name is "{STAGE2}"; remove it.',
        ),
        ({"base.clip_vision": None}, "[base] clip_vision is missing; choose the path of a file that exists."),
    ],
)
def test_a_fault_has_its_message(tmp_path, changes, expected):
    assert faults_of(write(tmp_path, changes)) == [expected]


@pytest.mark.parametrize(("asked", "endings"), [("false", (".safetensors",)), ("true", (".safetensors", ".bin"))])
def test_the_authors_layout_is_written_beside_ours_where_it_is_asked_for(tmp_path, asked, endings):
    assert config_of(write(tmp_path, {"export.published_layout": asked})).export.endings == endings
