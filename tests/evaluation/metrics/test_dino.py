"""DINO and FGIS of a small encoder are the cosines that it gives."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from likeness.evaluation.metrics.dino import DinoDirections, FineGrained
from likeness.evaluation.metrics.metric import Shown
from likeness.evaluation.metrics.whole_photos import LikePhotos
from likeness.models.similarity.dino import DINO
from likeness.tests.evaluation.metrics.shown import noise, shown
from likeness.tests.models.face.painted_faces import SIZE, colour_parser, face_labels, painted
from likeness.tests.models.small_dino import HEAD, weights
from torch.nn.functional import cosine_similarity


@pytest.fixture(scope="module")
def encoder():
    return DINO.from_state_dict(weights(), dim_head=HEAD)


def test_dino_is_the_mean_cosine_of_whole_pictures(encoder):
    with torch.no_grad():
        picture, *photos = encoder.embed([noise(seed) for seed in range(4)])
    expected = float(np.mean([float(cosine_similarity(picture, photo, dim=0)) for photo in photos]))
    found = LikePhotos(DinoDirections(encoder, "small"), "dino").measure(shown((1, 2), (3,)))["value"]
    assert found == pytest.approx(expected, abs=1e-4)


def test_fgis_of_a_picture_with_itself_is_one(encoder):
    face = painted(face_labels())
    metric = FineGrained(encoder, colour_parser(), SIZE, "small")
    assert metric.measure(Shown(face, "", ((face,),)))["value"] == pytest.approx(1, abs=1e-4)


def test_fgis_is_the_mean_over_regions_and_photos(encoder):
    face = painted(face_labels())
    other = face.copy()
    other[:, : SIZE // 2] = face[:, : SIZE // 2] // 2
    metric = FineGrained(encoder, colour_parser(), SIZE, "small")

    def of(*photos):
        return metric.measure(Shown(face, "", (photos,)))["value"]

    assert of(face, other) == pytest.approx((of(face) + of(other)) / 2, abs=1e-6)


def test_fgis_says_nothing_where_no_face_is_seen(encoder):
    metric = FineGrained(encoder, colour_parser(), SIZE, "small")
    face, nothing = painted(face_labels()), np.zeros((SIZE, SIZE, 3), np.uint8)
    assert math.isnan(metric.measure(Shown(nothing, "", ((face,),)))["value"])
