"""Likeness and blending of faces: known cosines, who is missing, and who is a stranger."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from likeness.evaluation.metrics.faces import Blending, FaceReader, FaceSimilarity, FaceSimilarityConfig, similarities
from likeness.evaluation.metrics.metric import Shown
from likeness.models.errors import NoFaceFoundError
from likeness.tests.evaluation.small_kit import Colours, Squares

SIDE = 64
# Colours whose differences from grey (100) have known cosines: E1·E2 = 0, E1·MIX = 0.6, E2·MIX = 0.8, E1·AWAY = -1.
E1, E2, MIX, AWAY = (200, 100, 100), (100, 200, 100), (160, 180, 100), (50, 100, 100)


def squares(*colours):
    """A picture of squares side by side; None is black, where no face is."""
    return np.hstack([np.full((SIDE, SIDE, 3), colour or (0, 0, 0), np.uint8) for colour in colours])


def measure(picture, *people, limits=True, **settings):
    config = FaceSimilarityConfig(recogniser="colours", detector="squares", **settings)
    photos = tuple(tuple(squares(colour) for colour in some) for some in people)
    reader = FaceReader(Squares(), Colours(), limits)
    return FaceSimilarity(reader, config).measure(Shown(squares(*picture), "", photos))


@pytest.mark.parametrize(
    ("picture", "people", "settings", "value"),
    [
        ([MIX], [[E1]], {}, 0.6),
        ([MIX], [[E1, E2]], {}, 0.7),
        ([AWAY], [[E1]], {}, 0.0),
        ([AWAY], [[E1]], {"negative": "keep"}, -1.0),
        ([None], [[E1]], {}, 0.0),
        ([MIX, E1], [[E1], [E2]], {}, 0.8),
        ([MIX, E1], [[E1], [E2]], {"of_people": "mean"}, 0.9),
        ([E1, None], [[E1], [E2]], {}, 0.0),
        ([E1, None], [[E1], [E2]], {"nobody": "leave out"}, 1.0),
    ],
)
def test_known_similarities(picture, people, settings, value):
    assert measure(picture, *people, **settings)["value"] == pytest.approx(value, abs=1e-4)


def test_nobody_at_all_says_nothing_where_nobody_is_left_out():
    said = measure([None], [E1], nobody="leave out")
    assert math.isnan(said["value"])
    assert (said["missing people"], said["other faces"]) == (1, 0)


def test_the_surest_faces_alone_count_or_all():
    picture = [E1, (255, 255, 255)]  # white is brighter, so surer
    assert measure(picture, [E1], limits=True)["value"] < 0.9
    said = measure(picture, [E1], limits=False)
    assert said["value"] == pytest.approx(1, abs=1e-4)
    assert said["other faces"] == 1


def test_people_are_matched_whoever_stands_where():
    for picture in ([E1, MIX], [MIX, E1]):
        assert measure(picture, [E1], [E2], of_people="mean")["value"] == pytest.approx(0.9, abs=1e-4)


def test_a_photo_without_a_face_is_told():
    with pytest.raises(NoFaceFoundError, match=r"No face was found in a person's photo \(64×64 pixels\)"):
        measure([E1], [None])


@pytest.mark.parametrize(("picture", "value"), [([E1, E2], 0.0), ([E1, MIX], 0.6), ([E1, E1], 1.0)])
def test_blending_of_two(picture, value):
    reader = FaceReader(Squares(), Colours(), True)
    photos = ((squares(E1),), (squares(E2),))
    assert Blending(reader).measure(Shown(squares(*picture), "", photos))["value"] == pytest.approx(value, abs=1e-4)


def test_blending_needs_two():
    reader = FaceReader(Squares(), Colours(), True)
    photos = ((squares(E1),), (squares(E2),))
    assert math.isnan(Blending(reader).measure(Shown(squares(E1, None), "", photos))["value"])


def test_nobody_seen_gives_an_empty_matrix():
    found = similarities(torch.zeros(0, 3), [[torch.ones(3)], [torch.ones(3)]])
    assert found.shape == (0, 2)


def test_keys_tell_settings_apart():
    def key(**settings):
        config = FaceSimilarityConfig(recogniser="colours", detector="squares", **settings)
        return FaceSimilarity(FaceReader(Squares(), Colours(), True), config).key

    assert len({key(), key(negative="keep"), key(nobody="leave out"), key(of_people="mean")}) == 4
