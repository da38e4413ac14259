"""Recognisers that judge: what a widget offers, by what is in a file, and the same vectors as elsewhere."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from likeness.models.errors import MissingModelFileError, UnknownCheckpointError
from likeness.tests.models.face import synthetic_detectors
from likeness.tests.models.face.recognition.test_ir_embedding import published
from likeness.tests.people import crop_photo

pytestmark = pytest.mark.comfy


@pytest.fixture
def folders(monkeypatch, tmp_path):
    """Model folders without a file."""
    import folder_paths
    from likeness.host.files import register_folders

    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path))
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", {})
    folder_paths.filename_list_cache.clear()
    register_folders()
    for name in ("insightface", "face_recognition", "face_detection", "uniportrait"):
        (tmp_path / name).mkdir()
    yield tmp_path
    folder_paths.filename_list_cache.clear()


@pytest.fixture
def choose(folders):
    from likeness.host.encoders.judges import choose_judge

    return choose_judge


@pytest.fixture
def face():
    photo = crop_photo(np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8))
    return [photo.taken], photo.picture


def test_the_miniatures_is_calibrated_and_loaded_once(choose):
    from likeness.host.encoders.detector import DRAWN, drawn_faces

    judge = choose(DRAWN)
    assert judge.calibration is not None
    assert judge.published is None
    assert 0.4 < judge.threshold() < 0.8
    for auto in (choose("auto", DRAWN), choose("auto", "yunet", drawn_faces())):
        assert auto.encoder is judge.encoder


def test_files_are_offered_wherever_they_lie_and_known_by_their_content(folders, choose):
    from likeness.host.encoders.judges import WITHOUT_FILES, list_judges

    synthetic_detectors.arcface(folders / "insightface" / "models" / "antelopev2" / "glint.onnx")
    synthetic_detectors.sface(folders / "face_recognition" / "face_recognition_sface_2021dec.onnx")
    assert list_judges() == [
        *WITHOUT_FILES,
        "antelopev2/glint.onnx",
        "face_recognition/face_recognition_sface_2021dec.onnx",
    ]
    arcface, sface = (choose(name) for name in list_judges()[-2:])
    assert (arcface.published.threshold, sface.published.threshold) == (0.28, 0.363)
    assert arcface.calibration is sface.calibration is None


def test_auto_prefers_the_published_file_then_any_arcface_then_sface(folders, choose):
    folder = folders / "face_recognition"
    synthetic_detectors.sface(folder / "a.onnx")
    assert choose("auto").name == "a.onnx"
    synthetic_detectors.arcface(folder / "b.onnx")
    assert choose("auto").name == "b.onnx"
    synthetic_detectors.arcface(folder / "w600k_r50.onnx")
    (folder / "0.onnx").write_bytes(b"cut off")
    assert choose("auto").name == "w600k_r50.onnx"


def test_auto_falls_back_on_dlib_or_says_what_to_do(choose, monkeypatch):
    if find_spec("dlib") and find_spec("face_recognition_models"):
        assert choose("auto").name == "dlib"
    from likeness.host.encoders import judges

    monkeypatch.setattr(judges, "find_spec", lambda name: None)
    with pytest.raises(
        MissingModelFileError, match=r"There is no face recogniser: put w600k_r50.onnx .* or install dlib"
    ):
        choose("auto")


def test_dlib_measures_distances(choose):
    pytest.importorskip("dlib")
    pytest.importorskip("face_recognition_models")
    judge = choose("dlib (package)")
    assert (judge.measure, judge.threshold()) == ("distance", 0.6)


def test_the_backbones_file_gives_a_vector(folders, choose, face):
    with pytest.raises(MissingModelFileError, match="models/uniportrait has no face backbone"):
        choose("UniPortrait's backbone")
    torch.save(published(), folders / "uniportrait" / "backbone.bin")
    import folder_paths

    folder_paths.filename_list_cache.clear()
    judge = choose("UniPortrait's backbone")
    assert judge.published is judge.calibration is None
    faces, picture = face
    with torch.inference_mode():
        vectors = judge.vectors(faces, picture)
        again = judge.remembering.vectors(faces, [picture])
    assert vectors.shape == (1, 12)
    assert torch.isfinite(vectors).all()
    assert torch.equal(vectors, again)


def test_facenets_file_is_known_by_its_content(folders, choose, face):
    from likeness.models.face.recognition.facenet import FaceNet

    torch.save(FaceNet().state_dict() | {"logits.weight": torch.zeros(3, 512)}, folders / "face_recognition" / "any.pt")
    judge = choose("face_recognition/any.pt")
    assert judge.threshold() == 0.45
    faces, picture = face
    with torch.inference_mode():
        assert judge.vectors(faces, picture).shape == (1, 512)


@pytest.mark.parametrize("build", ["yunet", "landmarks"])
def test_what_is_no_recogniser_is_refused(folders, choose, build):
    getattr(synthetic_detectors, build)(folders / "face_detection" / "a.onnx")
    with pytest.raises(UnknownCheckpointError, match=r'"a\.onnx" is no face recogniser'):
        choose("face_detection/a.onnx")


def test_a_file_that_is_gone_is_told_with_what_is_there(folders, choose):
    synthetic_detectors.sface(folders / "face_recognition" / "here.onnx")
    with pytest.raises(
        MissingModelFileError, match=r'"b/gone.onnx" was not found .*there is: face_recognition/here.onnx'
    ):
        choose("b/gone.onnx")
