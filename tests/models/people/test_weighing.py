"""What a person's photos weigh, and who is asked for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from likeness.models.errors import BadImageError, InvalidSettingError
from likeness.models.people.photo import Photo
from likeness.models.people.weighing import WEIGHINGS, weigh
from likeness.tests.people import SIDE, crop_photo

WEIGHED = WEIGHINGS[1:]


class ByShade:
    """A recogniser for which photos whose first pixel is below 128 show one person; it counts whom it was asked about."""

    key, width = "by shade", 3

    def __init__(self):
        self.asked = 0

    def vectors(self, faces, pictures):
        self.asked += len(faces)
        return torch.stack([self._one(picture) for picture in pictures])

    def _one(self, picture):
        shade = float(picture[0, 0, 0])
        return torch.tensor([0.0, 0.0, 1.0]) if shade >= 128 else torch.tensor([1.0, shade / 1000, 0.0])


def photo(shade, *, soft=False, side=144):
    picture = np.random.default_rng(1).integers(1, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    if soft:
        picture[1:] = 128
    picture[0, 0] = shade
    made = crop_photo(picture)
    face = replace(made.taken, box=np.float32([10, 10, 10 + side, 10 + side]))
    return replace(made, faces=(face,), taken=face)


@pytest.fixture
def recogniser():
    return ByShade()


def weights(photos, how, recogniser):
    return [each.weight for each in weigh(photos, how, lambda: recogniser)]


def nobody():
    raise AssertionError("no recogniser is needed")


def test_all_equally_leaves_photos_as_they_are_and_asks_nobody():
    photos = (photo(1), photo(200), replace(photo(3), weight=0.25))
    assert weigh(photos, "all equally", nobody) == photos


@pytest.mark.parametrize("how", WEIGHED)
def test_one_photo_weighs_1_and_two_alike_do_so_without_a_recogniser(how):
    for alone in (photo(1), photo(1, soft=True), photo(1, side=20)):
        assert [each.weight for each in weigh((alone,), how, nobody)] == [1.0]
    assert [each.weight for each in weigh((photo(1), photo(200)), how, nobody)] == [1.0, 1.0]
    assert weigh((), how, nobody) == ()


@pytest.mark.parametrize("how", WEIGHED)
def test_identical_photos_weigh_1_each(how, recogniser):
    assert weights((photo(5),) * 4, how, recogniser) == [1.0] * 4
    assert recogniser.asked == 4


def test_one_stranger_among_five_weighs_less_or_nothing(recogniser):
    photos = (photo(1), photo(2), photo(200), photo(3), photo(4))
    less = weigh(photos, "by likeness", lambda: recogniser)
    without = weigh(photos, "leave outliers out", lambda: recogniser)
    assert (
        [each.is_outlier for each in less]
        == [each.is_outlier for each in without]
        == [False, False, True, False, False]
    )
    assert 0 < less[2].weight < 0.1
    assert without[2].weight == 0
    for found in (less, without):
        assert [each.weight for each in found if not each.is_outlier] == [1.0] * 4


def test_who_is_left_out_does_not_change_what_the_others_weigh(recogniser):
    others = (photo(1), photo(2, side=84), photo(3, soft=True), photo(4))
    stranger = photo(200, soft=True, side=300)
    found = weigh((*others, stranger), "leave outliers out", lambda: recogniser)
    assert [each.weight for each in found[:4]] == weights(others, "by likeness", recogniser)
    assert found[4].weight == 0


def test_strangers_only_weigh_alike_and_none_is_an_outlier():
    class Strangers:
        key, width = "strangers", 8

        def vectors(self, faces, pictures):
            return torch.eye(8)[: len(faces)]

    found = weigh(tuple(photo(shade) for shade in range(1, 6)), "leave outliers out", Strangers)
    assert [(each.weight, each.is_outlier) for each in found] == [(1.0, False)] * 5


@pytest.mark.parametrize("how", WEIGHED)
def test_blurred_and_small_faces_count_less(how, recogniser):
    found = weights((photo(1), photo(1), photo(1, soft=True), photo(1, side=84)), how, recogniser)
    assert found == pytest.approx([1, 1, 0.5, 0.75])


def test_the_photo_that_counts_most_has_exactly_1(recogniser):
    found = weights((photo(1, side=84), photo(1, side=60), photo(1, side=84)), "by likeness", recogniser)
    assert found[0] == found[2] == 1.0
    assert found[1] == pytest.approx(60 / 84)


def test_photos_without_a_face_stay_as_they_are(recogniser):
    empty = Photo(picture=photo(1).picture)
    photos = (photo(1), empty, photo(2), photo(200), photo(3))
    found = weigh(photos, "leave outliers out", lambda: recogniser)
    assert found[1] is empty
    assert [each.weight for each in found] == [1.0, 1.0, 1.0, 0.0, 1.0]
    assert weigh((empty,), "by likeness", nobody) == (empty,)


def test_vectors_that_are_no_numbers_and_unknown_ways_are_told():
    class Broken(ByShade):
        def vectors(self, faces, pictures):
            return torch.full((len(faces), 3), torch.nan)

    photos = (photo(1), photo(2), photo(3))
    with pytest.raises(BadImageError, match="NaN or infinity for face 1 of 3"):
        weigh(photos, "by likeness", Broken)
    with pytest.raises(InvalidSettingError, match='weighed "by age"; choose one of: all equally, by likeness'):
        weigh(photos, "by age", nobody)
