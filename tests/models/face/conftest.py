"""Synthetic detector files and pictures with red squares, which these detectors take for faces."""

import numpy as np
import pytest
from likeness.tests.models.face import synthetic_detectors


@pytest.fixture(scope="session")
def detector_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("detectors")
    return {
        "scrfd": synthetic_detectors.scrfd(folder / "buffalo_l" / "det.onnx"),
        "cautious": synthetic_detectors.scrfd(folder / "cautious.onnx", only_with_grey_corner=True),
        "yunet": synthetic_detectors.yunet(folder / "yunet.onnx"),
        "arcface": synthetic_detectors.arcface(folder / "buffalo_l" / "w600k.onnx"),
        "landmarks": synthetic_detectors.landmarks(folder / "buffalo_l" / "2d106det.onnx"),
    }


@pytest.fixture
def squares():
    """A builder: grey picture of a size with squares (x, y, side, colour); red is what the detectors look for."""

    def build(height, width, *places, background=(90, 90, 90)):
        picture = np.empty((height, width, 3), np.uint8)
        picture[:] = background
        for x, y, side, colour in places:
            picture[y : y + side, x : x + side] = colour
        return picture

    return build
