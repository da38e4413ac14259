"""Recognisers are timed beside the detector, each on the same face."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("skimage")
pytest.importorskip("mtcnnruntime")

from likeness.benchmarks.faces import recognisers


class Counting:
    """Notes what it is asked about."""

    key, width = "counting", 4

    def __init__(self):
        self.asked = []

    def vectors(self, faces, pictures):
        self.asked.append((len(faces), len(pictures), tuple(faces[0].points.mean(0).round())))
        return torch.zeros(1, 4)


def test_everybody_is_asked_about_the_astronauts_face_once_a_round():
    first, second = Counting(), Counting()
    seconds = recognisers.seconds_of({"first": first, "second": second}, rounds=2)
    assert {name: len(values) for name, values in seconds.items()} == {
        recognisers.BASELINE: 2,
        "first": 2,
        "second": 2,
    }
    assert len(first.asked) == len(second.asked) == 4
    [(faces, pictures, middle)] = set(first.asked + second.asked)
    assert (faces, pictures) == (1, 1)
    assert np.abs(np.array(middle) - (222, 120)).max() < 8


def test_networks_of_full_size_end_in_vectors_of_theirs():
    pytest.importorskip("dlib")
    found = recognisers.recognisers()
    assert {name: by.width for name, by in found.items() if name != "the miniature's"} == {
        "dlib": 128,
        "FaceNet": 512,
        "UniPortrait's IR-101": 512,
    }
