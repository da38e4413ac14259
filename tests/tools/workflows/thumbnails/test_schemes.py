"""Drawn thumbnails."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from likeness.tools.workflows.thumbnails.schemes import draw_scheme
from likeness.tools.workflows.workflow import Motif, Scheme


@pytest.fixture(scope="module")
def plain() -> np.ndarray:
    return np.asarray(draw_scheme(Scheme(2)))


@pytest.mark.parametrize("motif", [motif for motif in get_args(Motif) if motif != "plain"])
def test_each_motif_can_be_told_from_the_plain_picture(motif, plain):
    drawn = np.asarray(draw_scheme(Scheme(2, motif)))
    assert drawn.shape == plain.shape == (512, 512, 3)
    assert (np.abs(drawn.astype(int) - plain).max(-1) > 40).mean() > 0.01


def test_the_same_scheme_is_drawn_the_same_and_another_scene_otherwise(plain):
    assert (np.asarray(draw_scheme(Scheme(2))) == plain).all()
    assert (np.asarray(draw_scheme(Scheme(2, scene=3))) != plain).any()
