import numpy as np
import pytest
from likeness.models.errors import UnknownCheckpointError
from likeness.models.face.analysis import analyze
from likeness.models.face.detection import DetectorSettings
from likeness.models.face.recognition import describe


def test_each_face_is_described_from_its_own_picture(detector_files, squares):
    pictures = [squares(50, 50, background=(255, 0, 0)), squares(50, 50, background=(0, 0, 255))]
    found = analyze(pictures, DetectorSettings(detector="face crop"))
    red, blue = describe(found.faces, found.images, detector_files["arcface"])
    assert red.embedding is not None
    assert blue.embedding is not None
    np.testing.assert_allclose(red.embedding[:3], [1, -1, -1], atol=0.05)
    np.testing.assert_allclose(blue.embedding[:3], [-1, -1, 1], atol=0.05)
    assert red.embedding.shape == (512,)
    assert found.faces[0].embedding is None


def test_another_model_is_refused(detector_files):
    with pytest.raises(UnknownCheckpointError, match=r'"det\.onnx" is no ArcFace model'):
        describe((), (), detector_files["scrfd"])
