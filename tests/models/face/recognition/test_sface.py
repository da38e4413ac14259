"""SFace on a synthetic graph: what the published one is given, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from likeness.models.errors import CorruptModelFileError, UnknownCheckpointError
from likeness.models.face.analysis import analyze
from likeness.models.face.given import FaceCrop
from likeness.models.face.recognition.sface import PUBLISHED, SFace
from likeness.tests.models.face import synthetic_detectors


@pytest.fixture
def face(squares):
    picture = squares(50, 50, background=(200, 30, 90))
    [found] = analyze([picture], FaceCrop()).faces
    return [found], [picture]


def test_it_sees_rgb_from_0_to_255(tmp_path, face):
    recogniser = SFace(synthetic_detectors.sface(tmp_path / "face_recognition_sface_2021dec.onnx"))
    vectors = recogniser.vectors(*face)
    assert vectors.shape == (1, recogniser.width) == (1, 128)
    np.testing.assert_allclose(vectors[0, :3], [200, 30, 90], rtol=0.05)


def test_nobody_has_no_vector(tmp_path):
    assert SFace(synthetic_detectors.sface(tmp_path / "a.onnx")).vectors([], []).shape == (0, 128)


def test_another_model_is_refused(tmp_path, face):
    with pytest.raises(UnknownCheckpointError, match=r'"a\.onnx" is no SFace model'):
        SFace(synthetic_detectors.arcface(tmp_path / "a.onnx")).vectors(*face)


def test_a_graph_that_does_not_run_is_told(tmp_path, face):
    import onnx

    path = synthetic_detectors.sface(tmp_path / "a.onnx")
    model = onnx.load(path)
    model.graph.node[0].op_type = "NoSuchOperation"
    onnx.save(model, path)
    with pytest.raises(CorruptModelFileError, match=r'"a\.onnx" cannot be loaded'):
        SFace(path).vectors(*face)


def test_it_is_known_by_the_content_of_its_file_and_carries_its_threshold(tmp_path):
    synthetic_detectors.sface(tmp_path / "a")
    (tmp_path / "b").write_bytes((tmp_path / "a").read_bytes())
    synthetic_detectors.arcface(tmp_path / "c")
    keys = [SFace(tmp_path / name).key for name in "abc"]
    assert keys[0] == keys[1] != keys[2]
    assert (PUBLISHED.measure, PUBLISHED.threshold) == ("cosine", 0.363)
