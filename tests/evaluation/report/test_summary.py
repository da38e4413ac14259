"""Means, intervals and the paper's row."""

from __future__ import annotations

import math

import pytest
from likeness.evaluation.bootstrap import estimate
from likeness.evaluation.metrics.metric import VALUE
from likeness.evaluation.report.summary import Measured, as_json, summarise
from likeness.evaluation.running.plan import plan
from likeness.tests.evaluation.small_kit import KIT, protocol_of

PAPER = (
    '[[metric]]\nkind = "brightness"\n[[metric]]\nkind = "distance"\n'
    '[[paper]]\nname = "P"\nsource = "t"\nrecogniser = "{0}"\n'
    'values = {{face_similarity = 0.5, brightness = 0.2, unknown = 3}}\nnotes = {{brightness = "of others"}}\n'
)
NAN = math.nan


def summary_of(tmp_path, said, recogniser="colours"):
    protocol = protocol_of(tmp_path, more=PAPER.format(recogniser))
    measured = {"face_similarity": Measured(key="k", of_pictures=tuple(said))}
    return summarise(protocol, plan(protocol), measured, KIT, host_key="h")


def test_the_interval_is_over_people_and_the_mean_of_their_means(tmp_path):
    values = [1, 1, 1, NAN, 0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5]
    [column] = summary_of(tmp_path, [{VALUE: value, "extra": 2.0} for value in values]).columns
    assert column.by_subject == {"ada": 1, "ben": 0, "cleo": 0.5}
    assert column.estimate == estimate([1, 0, 0.5])
    assert (column.pictures, column.left_out) == (11, 1)
    assert column.others == {"extra": 2.0}


def test_of_one_person_the_interval_is_over_pictures(tmp_path):
    protocol = protocol_of(tmp_path, {"people": 'folder = "people"\nonly = ["ada"]\n'})
    measured = {"face_similarity": Measured(key="k", of_pictures=tuple({VALUE: v} for v in (0.1, 0.4, 0.2, 0.7)))}
    [column] = summarise(protocol, plan(protocol), measured, KIT, host_key="h").columns
    assert column.estimate == estimate([0.1, 0.4, 0.2, 0.7])
    assert column.estimate.low < column.estimate.high


def test_a_set_has_a_value_and_no_interval(tmp_path):
    protocol = protocol_of(tmp_path, more=PAPER.format("colours"))
    measured = {"distance": Measured(key="k", of_set={VALUE: 3.0, "photos": 4.0})}
    summary = summarise(protocol, plan(protocol), measured, KIT, host_key="h")
    [column] = summary.columns
    assert column.estimate.mean == 3
    assert column.pictures == 12
    told = as_json(summary)["columns"][0]
    assert told["estimate"] == {"mean": 3.0, "low": None, "high": None}
    assert told["others"] == {"photos": 4.0}


@pytest.mark.parametrize(
    ("recogniser", "said"),
    [
        ("colours", None),
        ("facenet", "measured with facenet, here with colours: not comparable"),
        ("", "measured with a recogniser that it does not name, here with colours: not comparable"),
    ],
)
def test_a_paper_s_number_is_comparable_with_its_own_recogniser_alone(tmp_path, recogniser, said):
    protocol = protocol_of(tmp_path, more=PAPER.format(recogniser).replace('recogniser = ""\n', ""))
    [row] = summarise(protocol, plan(protocol), {}, KIT, host_key="h").papers
    assert row.values == {"face_similarity": 0.5, "brightness": 0.2}
    assert row.notes.get("face_similarity") == said
    assert row.notes["brightness"] == "of others"
