"""Score Likeness in ComfyUI, on drawn people: batches, latents, odd pictures."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.face.analysis import analyze
from likeness.models.miniature.files import PORTRAITS
from likeness.models.people.person import People, Person
from likeness.models.people.photo import photos_of
from likeness.models.similarity.report import report
from PIL import Image

pytestmark = pytest.mark.comfy


def portrait(number, size=None):
    picture = Image.open(PORTRAITS[number]).convert("RGB")
    return np.asarray(picture if size is None else picture.resize((size, size)))


def image(*pictures):
    return torch.from_numpy(np.stack(pictures)).float() / 255


@pytest.fixture(scope="module")
def judge():
    from likeness.host.encoders.detector import DRAWN
    from likeness.host.encoders.judges import choose_judge

    return choose_judge(DRAWN)


@pytest.fixture(scope="module")
def people():
    from likeness.host.encoders.detector import drawn_faces

    def person(name, number):
        detector = drawn_faces()
        return Person(name=name, photos=photos_of(analyze([portrait(number)], detector), detector, is_chosen=False))

    return People((person("Ann", 0), person("Ben", 1)))


@pytest.fixture
def score(people, judge):
    from likeness.host.encoders.detector import drawn_faces
    from likeness.host.likeness import score_likeness

    def run(images, chain=people, **settings):
        with torch.inference_mode():
            return score_likeness(chain, images, drawn_faces(), [judge], **settings)

    return run


def beside(left, right):
    return np.concatenate([left, right], 1)


def test_people_side_by_side_are_told_apart_in_either_order(score):
    first, second = portrait(0), portrait(1)
    batch = score(image(beside(first, second), beside(second, first)))
    for picture, order in zip(batch.scores.pictures, ((0, 1), (1, 0)), strict=True):
        middles = [float(picture.faces[face].box[[0, 2]].mean()) for face in picture.owners]
        assert tuple(np.argsort(np.argsort(middles))) == order
        assert picture.score > 0.8
        assert picture.blending < 0.6


def test_the_batch_is_put_in_order_and_latents_with_it(score, people):
    first, second = portrait(0), portrait(1)
    nobody = np.full_like(first, 128)
    images = image(nobody, second, first)
    latent = {
        "samples": torch.arange(3.0).view(3, 1, 1, 1),
        "noise_mask": torch.arange(3.0).view(3, 1, 1),
        "batch_index": [5, 6, 7],
        "kind": "kept",
    }
    batch = score(images, people.pick(1), latent=latent)
    assert batch.scores.order[0] == 2
    assert [picture.score > 0 for picture in batch.scores.pictures] == [False, False, True]
    taken, chosen = batch.take(batch.scores.best(1))
    assert torch.equal(taken, images[2:])
    assert chosen["samples"].flatten().tolist() == chosen["noise_mask"].flatten().tolist() == [2]
    assert (chosen["batch_index"], chosen["kind"]) == ([7], "kept")
    assert latent["batch_index"] == [5, 6, 7], "what was given stays"


def test_latents_keep_their_seeds_and_a_mask_for_all_pictures():
    from likeness.host.likeness import take_latent

    shared = torch.ones(1, 8, 8)
    taken = take_latent({"samples": torch.arange(3.0).view(3, 1, 1, 1), "noise_mask": shared}, (2, 0))
    assert taken["noise_mask"] is shared
    assert taken["batch_index"] == [2, 0]


def test_without_latents_whoever_asks_is_stopped_with_a_sentence(score, people):
    from comfy_execution.graph_utils import ExecutionBlocker

    _, latent = score(image(portrait(0)), people.pick(1)).take((0,))
    assert isinstance(latent, ExecutionBlocker)
    assert "connect what was decoded" in latent.message


def test_latents_of_another_number_are_refused(score):
    with pytest.raises(InvalidSettingError, match="There are 2 images and 3 latents"):
        score(image(portrait(0), portrait(1)), latent={"samples": torch.zeros(3, 4, 8, 8)})


def test_grey_pictures_are_compared(score, people):
    grey = image(portrait(0)).mean(-1, keepdim=True)
    [picture] = score(grey, people.pick(1), threshold=0.05).scores.pictures
    assert len(picture.faces) == 1
    assert -1 <= picture.likeness[0].cosines.item() <= 1


@pytest.mark.parametrize("size", [24, 48, 1000])
def test_tiny_and_huge_pictures_are_compared(score, people, size):
    [picture] = score(image(portrait(0, size)), people.pick(1), threshold=0.05).scores.pictures
    json.loads(report(score(image(portrait(0, size))).scores))
    if size > 24:
        assert picture.score > 0.5


def test_a_face_of_a_few_pixels_in_a_large_picture_breaks_nothing(score):
    large = np.full((256, 256, 3), 128, np.uint8)
    large[100:112, 100:112] = portrait(0, 12)
    [picture] = score(image(large)).scores.pictures
    assert picture.score == 0


def test_a_picture_with_nan_is_named(score):
    from likeness.models.errors import BadImageError

    broken = image(portrait(0), portrait(1))
    broken[1, 5, 5] = torch.nan
    with pytest.raises(BadImageError, match="2 of 2 contains NaN"):
        score(broken)


def test_a_stopped_run_scores_nothing_more(score):
    from comfy import model_management

    model_management.interrupt_current_processing(True)
    with pytest.raises(model_management.InterruptProcessingException):
        score(image(portrait(0), portrait(1)))
