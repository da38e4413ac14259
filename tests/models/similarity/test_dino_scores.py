"""DINO and FGIS of people in a picture, with painted faces of which every region is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from likeness.models.face.region_masks import filled_masks
from likeness.models.images.resampling import resize
from likeness.models.people.person import Person
from likeness.models.people.photo import Photo
from likeness.models.similarity.dino_scores import MARGIN, DinoScorer
from likeness.models.similarity.fgis import ParsedPhoto, fgis
from likeness.tests.models.face.painted_faces import SIZE, colour_parser, face_labels, painted
from likeness.tests.models.similarity.small_judges import face

BOX = (70, 60, 186, 200)  # of the skin of a painted face
WHOLE = painted(face_labels())
BARE = painted(face_labels(without=("nose", "left_ear", "right_ear")))


def embed(pictures):
    """An encoder that tells pictures apart: their colours in 8 × 8 fields, from -1 to 1."""
    small = [resize(picture, (8, 8), "bilinear") for picture in pictures]
    return torch.from_numpy(np.stack(small)).flatten(1).float() / 127.5 - 1


@pytest.fixture(scope="module")
def around():
    """Labels of a face with its surroundings, read from colours."""
    parser = colour_parser()
    return lambda picture, found: parser.parse_around(picture, [tuple(found.box)], MARGIN, SIZE)


def somebody(*pictures, weights=()):
    photos = [
        Photo(picture=picture, taken=face(1.0, box=BOX), weight=weight)
        for picture, weight in zip(pictures, weights or [1.0] * len(pictures), strict=True)
    ]
    return Person(name="Ann", photos=tuple(photos))


def cosine(first, second):
    one, other = embed([first, second])
    return torch.cosine_similarity(one.double(), other.double(), dim=0).item()


def test_a_photo_is_itself(around):
    [score] = DinoScorer([somebody(WHOLE)], embed, around).score(WHOLE, [face(1.0, box=BOX)])
    assert score.dino == pytest.approx(1)
    assert score.fgis == pytest.approx(1)


def test_whole_pictures_are_compared_by_the_weights_of_the_photos():
    scorer = DinoScorer([somebody(WHOLE, BARE, np.zeros_like(WHOLE), weights=(1.0, 0.5, 0.0))], embed, None)
    picture = WHOLE.copy()
    picture[:128] = 255
    [score] = scorer.score(picture, [face(1.0, box=BOX)])
    first, second = (cosine(picture, photo) for photo in (WHOLE, BARE))
    assert abs(first - second) > 1e-3
    assert score.dino == pytest.approx((first + 0.5 * second) / 1.5, abs=1e-6)
    assert score.fgis is None


def test_everybody_is_compared_at_their_own_face(around):
    """Two faces beside each other: each person's regions come from their own half."""
    picture = np.concatenate([WHOLE, BARE], 1)
    left = replace(face(1.0, box=BOX), image_size=picture.shape[:2])
    right = replace(left, box=left.box + np.float32([SIZE, 0, SIZE, 0]))
    scorer = DinoScorer([somebody(WHOLE), somebody(BARE)], embed, around)
    for owned in ((left, right), (right, left)):
        scores = scorer.score(picture, owned)
        is_own = owned[0] is left
        assert [score.fgis == pytest.approx(1, abs=1e-3) for score in scores] == [is_own, is_own]


def test_fgis_is_the_mean_of_the_photos_that_show_a_region(around):
    nothing = np.zeros_like(WHOLE)
    scorer = DinoScorer([somebody(BARE, nothing)], embed, around)
    [score] = scorer.score(WHOLE, [face(1.0, box=BOX)])
    [alone] = DinoScorer([somebody(BARE)], embed, around).score(WHOLE, [face(1.0, box=BOX)])
    assert score.fgis == alone.fgis
    [score] = DinoScorer([somebody(nothing)], embed, around).score(WHOLE, [face(1.0, box=BOX)])
    assert score.fgis is None
    assert score.dino is not None


def test_whoever_is_missing_has_no_fgis_and_whoever_has_no_photos_no_score(around):
    without = Person(name="of a card")
    gone, unknown = DinoScorer([somebody(WHOLE), without], embed, around).score(WHOLE, [None, face(1.0, box=BOX)])
    assert gone.fgis is None
    assert gone.dino == pytest.approx(1)
    assert (unknown.dino, unknown.fgis) == (None, None)


def test_photos_are_looked_at_once(around):
    asked = []
    scorer = DinoScorer([somebody(WHOLE)], lambda pictures: asked.append(len(pictures)) or embed(pictures), None)
    for _ in range(3):
        scorer.score(BARE, [None])
    assert asked == [1] * 4


def test_people_who_are_mixed_count_by_their_factors():
    first, second = somebody(WHOLE), somebody(BARE)
    mixed = Person(name="both", mixed=((first, 0.75), (second, 0.25)))
    [score] = DinoScorer([mixed], embed, None).score(WHOLE, [None])
    assert score.dino == pytest.approx(0.75 + 0.25 * cosine(WHOLE, BARE), abs=1e-6)


def test_the_score_is_that_of_fgis(around):
    found = face(1.0, box=BOX)
    [score] = DinoScorer([somebody(WHOLE)], embed, around).score(BARE, [found])
    reference, image = (ParsedPhoto(each, filled_masks(around(each, found))) for each in (WHOLE, BARE))
    assert score.fgis == pytest.approx(fgis(reference, image, embed).score)
    assert score.fgis < 1 - 1e-4
