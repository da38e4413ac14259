"""O7: masks of nouns, compared with heads."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.ablations import noun_masks
from likeness.models.port.word_attention import Projected, WordAttention
from likeness.tests.miniature.ablations.small_questions import COUNT
from likeness.tests.miniature.ablations.small_questions import base as base
from likeness.tests.miniature.ablations.small_questions import paths as paths
from likeness.tests.miniature.ablations.small_questions import questions as questions
from likeness.tests.miniature.ablations.small_questions import true_masks as true_masks


def test_masks_of_nouns_are_compared_with_heads(base, questions, true_masks, monkeypatch):
    """Where the attention is the head itself and nothing spreads, a threshold finds it exactly."""
    cells = torch.nn.functional.avg_pool2d(true_masks, 8)

    def planted(base, questions, rows, sigma):
        inside = (cells[rows] >= 0.5).float()
        spots = 100 * torch.eye(256).expand(len(inside), -1, -1)
        return WordAttention({0: inside}, (Projected(spots, spots, 1),), (16, 16))

    monkeypatch.setattr(noun_masks, "_attention", planted)
    values = noun_masks.measure(base, questions, true_masks, at_once=4)
    for metric in noun_masks.METRICS:
        assert values[noun_masks.RAW][metric] == [1.0] * COUNT
        assert values[noun_masks.REFINED][metric] == [1.0] * COUNT
        assert all(0.3 < overlap < 1 for overlap in values[noun_masks.CLEANED][metric])  # it is wider


def test_masks_of_nouns_are_read_from_the_base_at_every_noise_level(base, questions, true_masks):
    values = noun_masks.measure(base, questions, true_masks)
    assert set(values) == set(noun_masks.WAYS)
    overlaps = [values[noun_masks.RAW][metric] for metric in noun_masks.METRICS]
    assert all(0 <= overlap <= 1 for each in overlaps for overlap in each)
    assert len({tuple(each) for each in overlaps}) == len(noun_masks.SIGMAS)
