"""FGIS in ComfyUI: batches compared pair by pair, and the report."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from likeness.models.errors import NoFaceFoundError, UnknownCheckpointError
from likeness.models.images.layout import images_from_arrays
from likeness.models.similarity.dino import DINO
from likeness.tests.host.painted_parser import parser as parser
from likeness.tests.models.face.painted_faces import SIZE, face_labels, painted
from likeness.tests.models.similarity.small_judges import face
from likeness.tests.models.small_dino import HEAD, weights

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def compare(parser):
    from likeness.host.memory import manage
    from likeness.host.similarity import LoadedDINO, compare

    encoder = DINO.from_state_dict(weights(), dim_head=HEAD)
    dino = LoadedDINO(encoder, manage(encoder))
    return lambda reference, image: compare(parser, dino, reference, image, size=SIZE)


def images(*faces):
    return images_from_arrays([painted(face_labels(**face)) for face in faces])


@pytest.mark.parametrize(
    ("references", "others", "pairs"),
    [
        (1, 3, ((0, 0), (0, 1), (0, 2))),
        (3, 2, ((0, 0), (1, 1), (2, 1))),
        (2, 2, ((0, 0), (1, 1))),
    ],
)
def test_the_last_of_the_shorter_batch_stands_for_all_that_follow(compare, references, others, pairs):
    assert compare(images(*[{}] * references), images(*[{}] * others)).pairs == pairs


def test_the_score_is_the_mean_over_the_pairs(compare):
    found = compare(images({}), images({}, {"sunglasses": True}))
    first, second = (result.score for result in found.results)
    assert first == pytest.approx(1)
    assert found.score == pytest.approx((first + second) / 2)


def test_the_report_counts_from_one_and_says_what_could_not_be_compared(compare):
    report = json.loads(compare(images({}), images({}, {"without": ("nose",)})).report)
    assert [(each["reference"], each["image"]) for each in report["images"]] == [(1, 1), (1, 2)]
    assert [each["missing"] for each in report["images"]] == [[], ["Nose"]]
    assert report["score"] == pytest.approx(sum(each["score"] for each in report["images"]) / 2)


def test_a_pair_without_a_region_in_common_is_named(compare):
    batch = torch.cat([images({}), torch.zeros(1, SIZE, SIZE, 3)])
    with pytest.raises(NoFaceFoundError, match=r"^Reference 2 and image 1: "):
        compare(batch, images({}))


def test_a_stopped_run_compares_nothing_more(compare):
    from comfy import model_management

    model_management.interrupt_current_processing(True)
    with pytest.raises(model_management.InterruptProcessingException):
        compare(images({}), images({}))


def test_the_encoder_is_read_in_float32_and_another_file_refused(tmp_path):
    from likeness.host.similarity import load_dino

    pytest.importorskip("timm")
    torch.save({key: weight.half() for key, weight in weights(dim=64, size=32).items()}, tmp_path / "dino.pth")
    loaded = load_dino(tmp_path / "dino.pth")
    assert next(loaded.encoder.parameters()).dtype == torch.float32
    assert loaded.patcher.model is loaded.encoder
    torch.save({"lora_unet": torch.zeros(1)}, tmp_path / "lora.pth")
    with pytest.raises(UnknownCheckpointError, match="a LoRA"):
        load_dino(tmp_path / "lora.pth")


def test_people_are_scored_by_both_networks_under_memory_management(parser):
    from likeness.host.memory import manage
    from likeness.host.similarity import LoadedDINO, dino_scorer
    from likeness.models.people.person import Person
    from likeness.models.people.photo import Photo

    encoder = DINO.from_state_dict(weights(), dim_head=HEAD)
    photo, box = painted(face_labels()), (70, 60, 186, 200)
    shown = replace(face(1.0, box=box), image_size=photo.shape[:2])
    person = Person(name="Ann", photos=(Photo(picture=photo, taken=shown),))
    half = photo[::2, ::2].copy()  # a copy of half the size, whose face is given in pixels of the whole one
    with torch.inference_mode():
        [score] = dino_scorer(LoadedDINO(encoder, manage(encoder)), parser)([person]).score(photo, [shown])
        [smaller] = dino_scorer(LoadedDINO(encoder, manage(encoder)), parser)([person]).score(half, [shown])
    assert (score.dino, score.fgis) == (pytest.approx(1), pytest.approx(1))
    assert smaller.fgis > 0.9
