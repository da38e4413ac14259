"""Photos are looked at once."""

from __future__ import annotations

from likeness.evaluation.metrics.remembered import Remembered
from likeness.tests.evaluation.metrics.shown import noise


def test_the_same_pixels_are_looked_at_once():
    seen, remembered = [], Remembered()

    def look(photo):
        seen.append(photo.shape)
        return len(seen)

    assert remembered.get(noise(1), look) == 1
    assert remembered.get(noise(1).copy(), look) == 1
    assert remembered.get(noise(2), look) == 2
    assert remembered.get(noise(1).reshape(64, 48, 3), look) == 3
