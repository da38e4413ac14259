"""The report: JSON that says what was seen and what is not known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from likeness.models.face.recognition.same_person import SamePerson
from likeness.models.people.person import People
from likeness.models.similarity.calibration import Calibration, Distribution
from likeness.models.similarity.likeness import Scorer
from likeness.models.similarity.report import caption, report
from likeness.tests.models.similarity.small_judges import PICTURE, PointVectors, face, known, person


def scored(judges, *pictures):
    scorer = Scorer(People((person("Ann", (1, 0)), person("Ben", (0, 1)), person("Zoe"))), judges)
    return scorer.scores([scorer.score(PICTURE, faces) for faces in pictures])


@pytest.fixture(scope="module")
def calibrated():
    generator = np.random.default_rng(0)
    same, different = (Distribution.of(generator.normal(mean, 0.1, 1000), 200) for mean in (0.9, 0.2))
    return known(calibration=Calibration(recogniser="points", source="drawn", same=same, different=different))


def test_it_says_who_was_seen_where_and_who_was_not(calibrated):
    scores = scored([calibrated], [face(0, 0, 1, box=(1, 2, 3, 4)), face(3, 1, box=(5, 6, 7, 8))], [])
    said = json.loads(report(scores))
    assert (said["people"], said["without_a_face"], said["best_first"]) == (["Ann", "Ben"], ["Zoe"], [1, 2])
    first, second = said["pictures"]
    assert first["missing"] == ["Ben"]
    assert first["extra_faces"] == [[1, 2, 3, 4]]
    ann, ben = first["people"]
    assert ann["face"] == [5, 6, 7, 8]
    assert ann["likeness"]["points"]["cosine"] == pytest.approx(0.9487, abs=1e-4)
    assert ann["likeness"]["points"]["percentage"] > 99
    assert "note" not in ann["likeness"]["points"]
    assert ben["face"] is ben["likeness"] is None
    assert ben["closest_stranger"] == 0
    assert first["blending"] == 0
    assert second["blending"] is None
    assert second["missing"] == ["Ann", "Ben"]


def test_without_a_calibration_the_percentage_is_empty_and_the_threshold_remains():
    judge = known("dlib", published=SamePerson("distance", 0.6, "its authors"))
    scores = scored([judge], [face(1, 0.3)])
    said = json.loads(report(scores))
    [recogniser] = said["recognisers"]
    assert (recogniser["calibration"], recogniser["published_threshold"]) == ("not calibrated", 0.6)
    ann = said["pictures"][0]["people"][0]["likeness"]["dlib"]
    assert ann["percentage"] is None
    assert ann["note"] == "not calibrated"
    assert ann["distance"] == pytest.approx(0.3)
    assert caption(scores, scores.pictures[0], 0) == "Ann  0.96  not calibrated"
    assert caption(scores, scores.pictures[0], 1) == "Ben  missing"
    strangers = scored([judge], [face(0.1, 9)])
    assert caption(strangers, strangers.pictures[0], 1) == "Ben  missing, closest 1.00"


def test_what_dino_says_stands_beside_the_recognisers():
    from likeness.models.similarity.dino_scores import DinoScorer

    def alike(pictures):
        return torch.ones(len(pictures), 2)

    scorer = Scorer(People((person("Ann", (1, 0)),)), [known()], dino=lambda people: DinoScorer(people, alike, None))
    said = json.loads(report(scorer.scores([scorer.score(PICTURE, [face(1, 0)]), scorer.score(PICTURE, [])])))
    assert [picture["people"][0]["dino"] for picture in said["pictures"]] == [1, 1]
    assert [picture["people"][0]["fgis"] for picture in said["pictures"]] == [None, None]
    plain = json.loads(report(scored([known()], [face(1, 0)])))
    assert "dino" not in plain["pictures"][0]["people"][0]


def test_the_caption_has_the_percentage(calibrated):
    scores = scored([calibrated], [face(1, 0)])
    assert caption(scores, scores.pictures[0], 0) == "Ann  1.00  100 %"


def test_no_number_is_null_and_the_report_stays_json():
    scores = scored([known()], [face(math.nan), face(math.inf), face(1, 0)])
    said = json.loads(report(scores), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert said["pictures"][0]["people"][0]["likeness"]["points"]["cosine"] == 1


def test_what_a_second_recogniser_cannot_say_is_null(calibrated):
    class Lost(PointVectors):
        def vectors(self, faces, pictures):
            return super().vectors(faces, pictures) * math.nan

    other = known("other", encoder=Lost(), calibration=calibrated.calibration)
    said = json.loads(report(scored([calibrated, other], [face(1, 0)])))
    assert said["pictures"][0]["people"][0]["likeness"]["other"] == {"cosine": None, "percentage": None}


def test_two_recognisers_stand_side_by_side(calibrated):
    other = known("other")
    said = json.loads(report(scored([calibrated, other], [face(1, 0)])))
    assert list(said["pictures"][0]["people"][0]["likeness"]) == ["points", "other"]
    assert [each["threshold"] for each in said["recognisers"]] == [0.5, None]
