"""What placements cost, on a narrow SDXL without values."""

from __future__ import annotations

import pytest
import torch
from likeness.tools.weights.layouts.unets import NARROW_SDXL

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def work():
    """Matrix products of a call by the way of placing."""
    from likeness.benchmarks.comfy_process import flops, meta_model, unet_call
    from likeness.benchmarks.placement_cost import PLACED, ROWS

    with torch.inference_mode():
        models = {way: place(meta_model(NARROW_SDXL)) for way, place in PLACED.items()}
        return {way: flops(unet_call(model, 256, named_rows=ROWS)) for way, model in models.items()}


def test_masks_need_no_more_than_people_who_share_every_place_and_words_little(work):
    assert work["masks"] <= work["shared by all"]
    assert 1 < work["words"] / work["shared by all"] < 1.1


def test_a_miss_is_said(monkeypatch, capsys):
    from likeness.benchmarks import placement_cost

    found = iter((1000, 1002, 1005))
    monkeypatch.setattr(placement_cost, "flops", lambda call: next(found))
    monkeypatch.setattr(placement_cost, "unet_call", lambda *args, **named: None)
    placement_cost._report("SDXL", 1024, dict.fromkeys(placement_cost.PLACED))
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].endswith("+0.200 %  at most +0.1 %: MISSED")
    assert lines[-1].endswith("+0.500 %  at most +1.0 %: met")
