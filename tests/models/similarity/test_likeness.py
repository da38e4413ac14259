"""Pictures scored: who is whose, who is missing, who is a stranger, and which picture is best."""

from __future__ import annotations

import math
from itertools import permutations

import pytest
from likeness.models.errors import InvalidSettingError
from likeness.models.face.recognition.same_person import SamePerson
from likeness.models.people.person import People
from likeness.models.similarity.likeness import Scorer
from likeness.tests.models.similarity.small_judges import PICTURE, PointVectors, face, known, person

ANN, BEN = person("Ann", (1, 0, 0)), person("Ben", (0, 1, 0))
OF_ANN, OF_BEN, STRANGER = face(0.9, 0.1, 0.3), face(0, 2, 0.5), face(0, 0, 1)


def score(people, *pictures, threshold=0.0, judges=None):
    scorer = Scorer(People(tuple(people)), judges or [known()], threshold)
    return scorer.scores([scorer.score(PICTURE, faces) for faces in pictures])


@pytest.mark.parametrize("count", range(1, 7))
def test_everybody_gets_their_own_face_in_every_order(count):
    """Vectors on the axes with a part of the next one's: the matching must undo every permutation."""

    def along(place, amount=1.0):
        vector = [0.0] * 6
        vector[place] = amount
        vector[(place + 1) % 6] = 0.4
        return vector

    people = [person(str(place), along(place)) for place in range(count)]
    for order in permutations(range(count)):
        [picture] = score(people, [face(*along(place, 1.3)) for place in order]).pictures
        assert [order[found] for found in picture.owners] == list(range(count))
        assert picture.extra == ()


def test_a_stranger_is_nobodys_and_somebody_may_be_missing():
    scores = score([ANN, BEN], [STRANGER, OF_BEN], [OF_ANN, OF_BEN, STRANGER], [])
    assert [picture.owners for picture in scores.pictures] == [(-1, 1), (0, 1), (-1, -1)]
    assert [picture.extra for picture in scores.pictures] == [(0,), (2,), ()]
    assert [picture.blending is None for picture in scores.pictures] == [False, False, True]


def test_a_picture_is_as_good_as_its_worst_face_and_worth_nothing_without_somebody():
    both, one, nobody = score([ANN, BEN], [OF_ANN, OF_BEN], [OF_ANN], []).pictures
    assert one.closest(1) is None
    assert both.score == pytest.approx(min(both.cosine(0), both.cosine(1)))
    assert both.mean == pytest.approx((both.cosine(0) + both.cosine(1)) / 2)
    assert (one.score, nobody.score) == (0, 0)
    assert one.mean == pytest.approx(one.cosine(0) / 2)
    assert nobody.mean == 0


def test_the_best_comes_first():
    perfect, good = [face(1, 0), face(0, 1)], [OF_ANN, OF_BEN]
    scores = score([ANN, BEN], [], good, [OF_ANN], [*perfect, STRANGER], perfect, good)
    assert scores.order == (4, 3, 1, 5, 2, 0)
    assert scores.best(2) == (4, 3)
    assert scores.best(99) == scores.order
    assert scores.above(1.0) == (4, 3)
    assert scores.above(0.5) == (4, 3, 1, 5)
    assert scores.above(1.01) == ()


def test_the_worst_face_decides_before_the_mean():
    uneven, even = [face(1, 0), face(0.8, 1)], [face(1, 0.75), face(0.75, 1)]
    scores = score([ANN, BEN], uneven, even)
    first, second = scores.pictures
    assert first.mean > second.mean
    assert scores.order == (1, 0)


def test_where_somebody_is_missing_the_closest_stranger_decides():
    far, near = face(0.1, 0, 1), face(0.4, 0, 1)
    scores = score([ANN, BEN], [OF_BEN, far], [OF_BEN, face(math.nan), near], [OF_BEN])
    first, second, third = scores.pictures
    assert [picture.score for picture in scores.pictures] == [0, 0, 0]
    assert second.closest(0) == pytest.approx(0.4 / math.hypot(0.4, 1))
    assert first.closest(0) < second.closest(0)
    assert third.closest(0) is None
    assert scores.order == (1, 0, 2)


def test_twins_get_a_face_each():
    twins = [person("Ann", (1, 0)), person("Eve", (1, 0))]
    [both, one] = score(twins, [face(1, 0.1), face(1, 0.2)], [face(1, 0.1)]).pictures
    assert sorted(both.owners) == [0, 1]
    assert sorted(one.owners) == [-1, 0]


def test_a_face_without_a_number_is_a_stranger():
    [picture] = score([ANN], [face(math.nan), OF_ANN]).pictures
    assert picture.owners == (1,)
    assert picture.blending is None
    assert math.isfinite(picture.score)


def test_a_distance_is_the_better_the_smaller():
    judge = known(published=SamePerson("distance", 0.6, "this test"))
    [picture] = score([ANN, BEN], [face(0, 1.5), face(1.1, 0), face(2, 0)], judges=[judge]).pictures
    assert picture.owners == (1, 0)
    [picture] = score([ANN], [face(1.7, 0)], judges=[judge]).pictures
    assert picture.owners == (-1,), "its cosine is 1, but it is too far away"


def test_a_threshold_of_the_users_own_wins():
    assert score([ANN], [OF_ANN], threshold=0.99).pictures[0].owners == (-1,)
    assert score([ANN], [OF_ANN]).threshold == 0.5


def test_a_second_recogniser_has_an_opinion_and_does_not_match():
    class Blind(PointVectors):
        def vectors(self, faces, pictures):
            return super().vectors(faces, pictures).flip(1)

    [picture] = score([ANN], [STRANGER, OF_ANN], judges=[known(), known("other", encoder=Blind())]).pictures
    assert picture.owners == (1,)
    assert picture.cosine(0, 1) == pytest.approx(picture.cosine(0, 0))
    assert len(picture.likeness) == 2


def test_whoever_has_no_face_is_left_out_and_keeps_their_place():
    scores = score([person("Zoe"), BEN], [OF_BEN])
    assert scores.left_out == ("Zoe",)
    assert scores.places == (1,)
    assert scores.pictures[0].owners == (0,)


def test_a_chain_without_a_face_is_refused():
    with pytest.raises(InvalidSettingError, match="Nobody can be compared: 1 people are in the chain"):
        score([person("Zoe")], [])


def test_photos_are_looked_at_once_for_all_pictures():
    judge = known()
    score([ANN, BEN], *[[OF_ANN, STRANGER]] * 3, judges=[judge])
    assert judge.encoder.asked == 2 + 3 * 2
