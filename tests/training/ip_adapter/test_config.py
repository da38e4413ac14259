"""IP-Adapter FaceID in a file: the paper's numbers, and what has to be said."""

from __future__ import annotations

import pytest
from likeness.tests.training.small_config import FACEID, FACEID_KEYS, STAGE1, config_of, faults_of, write


def test_faceid_has_the_papers_numbers(tmp_path):
    config = config_of(write(tmp_path, FACEID_KEYS))
    method = config.method
    assert (config.name, config.steps, config.learning_rate, config.people) == (FACEID, 1_000_000, 1e-4, (1, 1))
    assert config.optimizer.weight_decay == 0.01
    assert (method.drop_face, method.drop_text, method.drop_both) == (0.05, 0.05, 0.05)
    assert (method.rank, method.init_from) == (None, None)
    assert config.base.recogniser == tmp_path / "arcface.onnx"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"base.recogniser": None}, "[base] recogniser is missing; choose the path of a file that exists."),
        (
            {"base.backbone": '"face.bin"'},
            f'[base] backbone is "face.bin", but only {STAGE1} and uniportrait-stage2 use it and name is "{FACEID}"; '
            "remove it.",
        ),
        (
            {"method.drop_face": "0.5", "method.drop_text": "0.4", "method.drop_both": "0.2"},
            "[method] drop_face, drop_text and drop_both are 1.1 together, and no picture loses more than one of them; give at "
            "most 1.",
        ),
        ({"method.drop_text": "-0.1"}, "[method] drop_text is -0.1; choose a number from 0 to 1."),
    ],
)
def test_a_fault_has_its_message(tmp_path, changes, expected):
    assert faults_of(write(tmp_path, {**FACEID_KEYS, **changes})) == [expected]


@pytest.mark.parametrize(("asked", "endings"), [("false", (".safetensors",)), ("true", (".safetensors", ".bin"))])
def test_the_published_layout_is_written_where_it_is_asked_for(tmp_path, asked, endings):
    changes = {**FACEID_KEYS, "export.published_layout": asked}
    assert config_of(write(tmp_path, changes)).export.endings == endings
