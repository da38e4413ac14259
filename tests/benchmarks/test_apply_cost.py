"""What is weighed when people are applied, and the verdict beside each figure."""

from __future__ import annotations

import pytest
from likeness.benchmarks import apply_cost

MEBIBYTE = 2**20


def figures(text: str) -> dict[str, tuple[float, str]]:
    """From label to figure and verdict."""
    lines = [line.split("at most") for line in text.splitlines()]
    return {left[:36].strip(): (float(left[36:45]), right.split(": ")[1]) for left, right in lines}


def test_a_figure_on_its_target_is_met_and_one_above_is_not(capsys):
    apply_cost._print("on it", 1.0, 1.0, "s")
    apply_cost._print("above it", 1.001, 1.0, "s")
    assert figures(capsys.readouterr().out) == {"on it": (1.0, "met"), "above it": (1.001, "MISSED")}


def test_a_timed_call_gives_its_result():
    seconds, result = apply_cost._timed(lambda: "made")
    assert result == "made"
    assert seconds >= 0


@pytest.mark.parametrize(("mebibytes", "verdict"), [(0, "met"), (10, "MISSED")])
def test_ten_clones_are_weighed_together(mebibytes, verdict, capsys, monkeypatch):
    monkeypatch.setattr(apply_cost, "growth", lambda model: (mebibytes * MEBIBYTE, MEBIBYTE // 2))
    apply_cost._report_clones("model")
    found = figures(capsys.readouterr().out)
    assert found["10 chained clones, tensors"] == (mebibytes, verdict)
    assert found["10 chained clones, Python objects"] == (0.5, "met")


def test_the_first_import_only_warms_the_caches(monkeypatch, tmp_path):
    count = tmp_path / "count"
    count.write_text("")
    monkeypatch.setattr(
        apply_cost,
        "IMPORT_THE_PACK",
        f"from pathlib import Path\nfile = Path({str(count)!r})\nfile.write_text(file.read_text() + '.')\n"
        "print('warnings come first')\nprint('seconds', len(file.read_text()))",
    )
    assert apply_cost._import_seconds(tmp_path, 2) == [2.0, 3.0]


@pytest.mark.parametrize("code", ["print('seconds failed')", "print('boom'); raise SystemExit(3)", "print('nothing')"])
def test_a_pack_that_does_not_load_ends_the_benchmark_with_what_was_said(code, monkeypatch, tmp_path):
    monkeypatch.setattr(apply_cost, "IMPORT_THE_PACK", code)
    with pytest.raises(SystemExit, match="The pack did not load"):
        apply_cost._import_seconds(tmp_path, 1)
