"""docs/training.md: its example row is good, its faults are those of the code, and it leaves no key out."""

from __future__ import annotations

import json
import re
from pathlib import Path

from likeness.training.manifest import PERSON_KEYS, ROW_KEYS, parse_row

MANUAL = (Path(__file__).resolve().parents[2] / "docs" / "training.md").read_text(encoding="utf-8")


def example() -> dict:
    [text] = re.findall(r"```json\n(.*?)```", MANUAL, re.DOTALL)
    return json.loads(text)


def test_the_example_row_has_no_fault():
    parsed = parse_row(json.dumps(example()).encode(), "manifest.jsonl", 1)
    assert parsed.faults == ()
    assert parsed.row is not None


def test_every_key_of_a_row_is_explained():
    rows = " ".join(line.split("|")[1] for line in MANUAL.splitlines() if line.startswith("| `"))
    assert [key for key in (*ROW_KEYS, *PERSON_KEYS) if f"`{key}`" not in rows] == []


def test_the_fault_it_quotes_is_the_one_that_comes():
    entry = example()
    entry["persons"][0]["kps"] = [[1, 2]]
    [fault] = parse_row(json.dumps(entry).encode(), "manifest.jsonl", 3).faults
    assert str(fault) in MANUAL
