"""Likeness to whole photos: the mean over all of them, each looked at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from likeness.evaluation.metrics.metric import Shown
from likeness.evaluation.metrics.whole_photos import LikePhotos

DIRECTIONS = {1: (1.0, 0.0), 2: (0.6, 0.8), 3: (0.0, 1.0)}  # by the grey of a picture


@dataclass
class Greys:
    key: str = "greys"
    seen: list[int] = field(default_factory=list)

    def of_picture(self, picture):
        self.seen.append(int(picture[0, 0, 0]))
        return torch.tensor(DIRECTIONS[int(picture[0, 0, 0])], dtype=torch.float64)


def grey(level):
    return np.full((4, 4, 3), level, np.uint8)


@pytest.mark.parametrize(
    ("people", "value"), [([[1]], 1.0), ([[2]], 0.6), ([[2], [3]], 0.3), ([[1, 2], [3]], (1 + 0.6 + 0) / 3)]
)
def test_it_is_the_mean_over_all_photos(people, value):
    photos = tuple(tuple(map(grey, some)) for some in people)
    assert LikePhotos(Greys(), "space").measure(Shown(grey(1), "", photos))["value"] == pytest.approx(value, abs=1e-4)


def test_photos_are_looked_at_once_and_pictures_each_time():
    encoder = Greys()
    metric = LikePhotos(encoder, "space")
    for _ in range(2):
        metric.measure(Shown(grey(1), "", ((grey(2), grey(3)),)))
    assert sorted(encoder.seen) == [1, 1, 2, 3]
    assert metric.key == "space greys"
