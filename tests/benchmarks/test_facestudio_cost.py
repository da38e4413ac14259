"""What FaceStudio costs, on a narrow SDXL without values."""

from __future__ import annotations

import pytest
import torch
from likeness.tools.weights.layouts.unets import NARROW_SDXL

pytestmark = pytest.mark.comfy


@pytest.mark.long
def test_each_form_is_held_against_its_limit(capsys):
    from likeness.benchmarks.comfy_process import meta_model
    from likeness.benchmarks.facestudio_cost import report

    with torch.inference_mode():
        report("SDXL", 256, meta_model(NARROW_SDXL))
    lines = capsys.readouterr().out.splitlines()[2:]
    percent = [
        float(line.split("  ")[-2 if "at most" in line else -1].split("%")[0])
        for line in lines
        if "trained" not in line
    ]
    assert len(lines) == 6
    assert percent == sorted(percent)
    assert percent[0] > 0
    assert all("at most" in line for line in lines[1:])


def test_a_miss_is_said(monkeypatch, capsys):
    from likeness.benchmarks import facestudio_cost

    found = iter((1000, 1001, 1021, 1030, 990, 1000, 1001))
    monkeypatch.setattr(facestudio_cost, "flops", lambda call: next(found))
    for name in ("unet_call", "zero_shot", "trained"):
        monkeypatch.setattr(facestudio_cost, name, lambda *args, **named: None)
    facestudio_cost.report("SD1.5", 512, None)
    said = [line.rsplit(" ", 1)[-1] for line in capsys.readouterr().out.splitlines()[3:]]
    assert said == ["MISSED", "met", "met", "met", "MISSED"]
