"""Thresholds of recognisers, and one vector for a person."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.face.recognition.same_person import SamePerson
from likeness.models.people.person import Person
from likeness.models.similarity.calibration import Calibration, Distribution
from likeness.models.similarity.recognisers import person_vector
from likeness.tests.models.similarity.small_judges import PICTURE, PointVectors, face, known, person


@pytest.fixture(scope="module")
def calibration():
    generator = np.random.default_rng(0)
    same, different = (Distribution.of(generator.normal(mean, 0.1, 1000), 200) for mean in (0.6, 0.2))
    return Calibration(recogniser="points", source="made up", same=same, different=different)


def test_the_user_decides_then_the_authors_then_the_calibration(calibration):
    assert known(calibration=calibration).threshold(0.7) == 0.7
    assert known(calibration=calibration).threshold() == 0.5
    assert known(published=None, calibration=calibration).threshold() == pytest.approx(0.4, abs=0.05)
    with pytest.raises(InvalidSettingError, match="cosine on IR means the same person, and it is not calibrated; set"):
        known("IR", published=None).threshold()
    assert known("IR", published=None).threshold(0.3) == 0.3


def test_only_what_is_calibrated_has_a_percentage(calibration):
    assert known().percentage(0.9) is None
    assert known(calibration=calibration).percentage(0.9) > 99


def test_several_photos_are_the_mean_of_directions_by_their_weights():
    recogniser = PointVectors()
    vector = person_vector(person("Ann", (100, 0), (0, 1)), recogniser)
    assert vector[:2].tolist() == [0.5, 0.5]
    weighted = person_vector(person("Ann", (100, 0), (0, 1), weights=(3, 1)), recogniser)
    assert weighted[:2].tolist() == [0.75, 0.25]
    assert person_vector(person("Ann", (100, 0), (0, 2)), recogniser, "distance")[:2].tolist() == [50, 1]


def test_mixed_people_are_their_sum_by_factors_however_many_photos_each_has():
    ann, ben = person("Ann", (1, 0), (5, 0), (9, 0)), person("Ben", (0, 7))
    mixed = Person(name="both", mixed=((ann, 0.7), (ben, 0.3)))
    torch.testing.assert_close(person_vector(mixed, PointVectors())[:2], torch.tensor([0.7, 0.3]))


def test_cosines_and_the_measure_of_the_threshold():
    judge = known(published=SamePerson("distance", 0.6, "this test"))
    references = judge.references([person("Ann", (3, 0)), person("Ben", (0, 3))])
    found = judge.compare(judge.vectors([face(3, 4)], PICTURE), references)
    torch.testing.assert_close(found.cosines, torch.tensor([[0.6, 0.8]]))
    torch.testing.assert_close(found.values, torch.tensor([[4.0, math.sqrt(10)]]))


def test_nobody_is_described_without_asking():
    judge = known()
    assert judge.vectors([], PICTURE).shape == (0, 10)
    assert judge.references([]).shape == (0, 10)
    assert judge.encoder.asked == 0
