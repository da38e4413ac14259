from __future__ import annotations

import math

import pytest
import torch
from likeness.models.port.guidance import Pull
from likeness.models.records.guidance import GuidanceRecord


def pull(name, *likeness):
    return Pull(name, torch.zeros(len(likeness)), torch.ones(1, 1, 4, 4), torch.tensor(likeness))


def test_a_curve_is_the_mean_over_the_pictures_in_which_somebody_was_found():
    record = GuidanceRecord()
    record.note(2.0, [pull("Ann", 0.5, 0.7), pull("Ben", math.nan, 0.4)])
    record.note(1.0, [pull("Ann", 0.6, 0.8), pull("Ben", math.nan, math.nan)])
    history = record.history()
    assert history.names == ("Ann", "Ben")
    assert history.curve("Ann") == [(2.0, pytest.approx(0.6)), (1.0, pytest.approx(0.7))]
    assert history.curve("Ben")[0] == (2.0, pytest.approx(0.4))
    assert math.isnan(history.curve("Ben")[1][1])
    assert history.masks["Ann"].shape == (1, 4, 4)


def test_a_correction_is_counted_against_what_classifier_free_guidance_did_there():
    record = GuidanceRecord()
    before, after = torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)
    after[..., 0] = 0.5
    record.correction(1.0, before, after, torch.full((1, 1, 2, 2), 2.0))
    record.correction(1.0, before, after, None)
    record.note(1.0, [pull("Ann", 0.5)])
    first, second = record.history().corrections
    assert first.share == pytest.approx(0.25)
    assert math.isnan(second.share)


def test_where_nobody_was_pulled_there_is_no_history():
    assert GuidanceRecord().history() is None


def test_windows_of_pictures_fill_one_entry():
    record = GuidanceRecord()
    for pictures, likeness in (((2, 0), [0.2, 0.0]), ((0, 1), [0.1, 0.3])):
        masks = torch.tensor(pictures).float().view(2, 1, 1, 1).expand(-1, 1, 2, 2)
        record.note(2.0, [Pull("Ann", torch.zeros(2), masks, torch.tensor(likeness))], pictures)
    record.note(1.0, [Pull("Ann", torch.zeros(1), torch.ones(1, 1, 2, 2), torch.tensor([0.9]))], (1,))
    history = record.history()
    assert history is not None
    assert [entry.likeness for entry in history.entries] == [
        pytest.approx((0.1, 0.3, 0.2)),
        pytest.approx((math.nan, 0.9), nan_ok=True),
    ]
    assert history.masks["Ann"][:, 0, 0].tolist() == [0, 1, 2]
