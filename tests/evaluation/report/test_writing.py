"""The report as people read it."""

from __future__ import annotations

import json
import math

from likeness.evaluation.bootstrap import Estimate
from likeness.evaluation.report.summary import Column, Row, Summary
from likeness.evaluation.report.writing import SHOWN, lines, write_report
from likeness.evaluation.running.plan import plan
from likeness.tests.evaluation.metrics.shown import noise
from likeness.tests.evaluation.small_kit import protocol_of
from PIL import Image

NAN = math.nan


def column(label, found, **changes):
    values = {"kind": label, "key": "k", "better": "higher", "recogniser": "", "pictures": 4, "left_out": 0}
    return Column(label=label, estimate=found, **{**values, "others": {}, "by_subject": {}, **changes})


SUMMARY = Summary(
    name="Name",
    source="A paper.",
    host="painter",
    host_key="h",
    pictures=4,
    prompts=2,
    seeds=1,
    subjects=("ada", "ben"),
    drawn={"width": 64, "negative": ""},
    columns=(
        column("sim", Estimate(0.5, 0.4, 0.6), recogniser="colours", by_subject={"ada": 0.4, "ben": NAN}),
        column("fid", Estimate(12.5, NAN, NAN), better="lower", others={"photos": 2.0}, left_out=1),
    ),
    papers=(Row(name="P", source="table 1", values={"sim": 0.71}, notes={"sim": "not comparable"}),),
)


def test_ours_stands_above_the_paper_s():
    text = lines(SUMMARY)
    head = text.index("| | sim ↑ | fid ↓ |")
    assert text[head + 2 : head + 4] == [
        "| **this run** | 0.500 [0.400, 0.600] | 12.500 |",
        "| P (table 1) | 0.71 * |  |",
    ]
    assert "- * P, sim: not comparable." in text
    assert "- fid: fid, 4 pictures, 1 say nothing, photos 2.000." in text
    assert "| ben | nan |" in text
    assert any("drawn by painter (width 64)" in line for line in text)


def test_a_report_has_json_markdown_and_a_sheet_of_everybody(tmp_path):
    pictures = plan(protocol_of(tmp_path, {"pictures": f"seeds = {list(range(20))}\n"}))
    shown = []

    def picture(wanted):
        shown.append(wanted)
        return noise(wanted.seed)

    report = write_report(tmp_path / "run", SUMMARY, pictures, picture, lambda path: noise(5))
    assert report.name == "report.md"
    assert [path.name for path in sorted((tmp_path / "run" / "sheets").iterdir())] == [
        "0000.jpg",
        "0001.jpg",
        "0002.jpg",
    ]
    assert "![ada](sheets/0000.jpg)" in report.read_text()
    assert len(shown) == 3 * SHOWN
    assert {each.place[1] for each in shown[:2]} == {0, 1}  # every prompt before a second seed
    told = json.loads((tmp_path / "run" / "report.json").read_text())
    assert told["columns"][0]["by_subject"] == {"ada": 0.4, "ben": None}
    assert Image.open(tmp_path / "run" / "sheets" / "0000.jpg").size[0] > 1000
