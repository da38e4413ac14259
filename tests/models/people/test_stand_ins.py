"""Pictures that stand in for photos: of their size, told apart, the same everywhere, and showing nothing."""

from __future__ import annotations

import hashlib

import numpy as np
from likeness.models.people.stand_ins import noise, stand_in
from likeness.models.uniportrait.encode import backbone_input, preprocess
from likeness.tests.people import someone


def test_a_stand_in_is_like_its_photo_in_all_but_pixels():
    [photo] = someone(seed=1).photos
    found = stand_in(photo)
    assert found.picture.shape == photo.picture.shape
    assert found.taken.crop.shape == photo.taken.crop.shape
    assert abs(np.corrcoef(found.picture.ravel(), photo.picture.ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(found.taken.crop.ravel(), photo.taken.crop.ravel())[0, 1]) < 0.02
    assert np.array_equal(found.taken.points, photo.taken.points)
    assert found.faces == (found.taken,)
    assert stand_in(found) is found


def test_photos_are_told_apart_and_equal_ones_are_not():
    first, same, other = (stand_in(someone(seed=seed).photos[0]) for seed in (1, 1, 2))
    assert np.array_equal(first.picture, same.picture)
    assert (first.picture != other.picture).mean() > 0.9
    assert (first.taken.crop != other.taken.crop).mean() > 0.9


def test_noise_is_the_same_on_every_system():
    found = hashlib.sha256(noise("seed", (3, 5)).tobytes()).hexdigest()
    assert found[:16] == "fb18ff6ca181db4c"  # SHAKE-256 of "seed 3 5", by hashlib


def test_halving_a_crop_needs_no_rounding():
    """What a face backbone is given is one pixel of four equal ones, however a machine adds them."""
    crop = stand_in(someone(seed=1).photos[0]).taken.crop
    halved = backbone_input(preprocess(crop[None]))
    picked = backbone_input(preprocess(crop[None].repeat(2, 1).repeat(2, 2)[:, ::4, ::4].repeat(2, 1).repeat(2, 2)))
    assert np.array_equal(halved.numpy(), picked.numpy())
