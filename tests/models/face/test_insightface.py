"""ArcFace: vectors of the faces asked for, from the pictures that they are in."""

from __future__ import annotations

import numpy as np
import pytest
from likeness.models.errors import UnknownCheckpointError
from likeness.models.face.alignment import align
from likeness.models.face.analysis import analyze
from likeness.models.face.given import FaceCrop
from likeness.models.face.insightface import RECOGNITION_SIZE, ArcFace, embed
from likeness.tests.models.face import synthetic_detectors


def test_each_face_is_described_from_its_own_picture(detector_files, squares):
    pictures = [squares(50, 50, background=(255, 0, 0)), squares(50, 50, background=(0, 0, 255))]
    faces = analyze(pictures, FaceCrop()).faces
    recogniser = ArcFace(detector_files["arcface"])
    vectors = recogniser.vectors(faces, pictures)
    assert vectors.shape == (2, recogniser.width) == (2, 512)
    red, blue = vectors.numpy()
    np.testing.assert_allclose(red[:3], [1, -1, -1], atol=0.05)
    np.testing.assert_allclose(blue[:3], [-1, -1, 1], atol=0.05)
    for vector, face, picture in zip(vectors, faces, pictures, strict=True):
        crop = align(picture, face.points, RECOGNITION_SIZE)
        np.testing.assert_allclose(vector, embed(crop, recogniser.path), rtol=1e-6)


def test_another_model_is_refused(detector_files, squares):
    picture = squares(50, 50)
    [face] = analyze([picture], FaceCrop()).faces
    with pytest.raises(UnknownCheckpointError, match=r'"det\.onnx" is no ArcFace model'):
        ArcFace(detector_files["scrfd"]).vectors([face], [picture])


def test_it_is_known_by_the_content_of_its_file(tmp_path):
    synthetic_detectors.arcface(tmp_path / "a")
    (tmp_path / "b").write_bytes((tmp_path / "a").read_bytes())
    synthetic_detectors.landmarks(tmp_path / "c")
    keys = [ArcFace(tmp_path / name).key for name in "abc"]
    assert keys[0] == keys[1] != keys[2]
