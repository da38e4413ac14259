import numpy as np
import pytest
from likeness.models.errors import UnknownCheckpointError
from likeness.models.face.analysis import analyze
from likeness.models.face.backends.given import FaceCrop
from likeness.models.face.recognition import describe


def test_each_face_is_described_from_its_own_picture(detector_files, squares):
    pictures = [squares(50, 50, background=(255, 0, 0)), squares(50, 50, background=(0, 0, 255))]
    faces = analyze(pictures, FaceCrop()).faces
    red, blue = (describe(face, pictures[face.image_index], detector_files["arcface"]) for face in faces)
    np.testing.assert_allclose(red[:3], [1, -1, -1], atol=0.05)
    np.testing.assert_allclose(blue[:3], [-1, -1, 1], atol=0.05)
    assert red.shape == (512,)


def test_another_model_is_refused(detector_files, squares):
    picture = squares(50, 50)
    [face] = analyze([picture], FaceCrop()).faces
    with pytest.raises(UnknownCheckpointError, match=r'"det\.onnx" is no ArcFace model'):
        describe(face, picture, detector_files["scrfd"])
