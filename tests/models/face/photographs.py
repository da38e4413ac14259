"""Photographs of real faces, and what others say about them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
# Four generated portraits beside the repository, not part of it.
PORTRAITS = ROOT.parent / "shared" / "faces"
needs_portraits = pytest.mark.skipif(not PORTRAITS.is_dir(), reason=f"needs the portraits in {PORTRAITS}")
NAMES = {"styleganffhq-0100": 1, "styleganffhq-0293": 1, "styleganffhq-0381": 1, "two-people-generated": 2}
# In scikit-image's astronaut (512 × 512), read off the photo: both eyes, the tip of the nose, both corners of the mouth.
ASTRONAUT_POINTS = np.array([(204, 102), (247, 103), (224, 128), (201, 141), (245, 142)], np.float64)
# dlib's nose is its base. On the astronaut the tip is this far on the way there from between the eyes.
NOSE_TIP = 0.79


def astronaut() -> np.ndarray:
    """NASA's portrait of Eileen Collins, (512, 512, 3) uint8, public domain; from scikit-image."""
    return pytest.importorskip("skimage.data").astronaut()


def portrait(name: str) -> np.ndarray:
    """One of the portraits, (H, W, 3) uint8."""
    return np.asarray(Image.open(PORTRAITS / f"{name}.jpg").convert("RGB"))


@cache
def dlib_networks() -> tuple[Any, Any, Any]:
    """dlib's own detector, its five points and its recogniser."""
    dlib = pytest.importorskip("dlib")
    folder = Path(pytest.importorskip("face_recognition_models").__file__).parent / "models"
    five = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
    recogniser = dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat"))
    return dlib.get_frontal_face_detector(), five, recogniser


def dlib_points(picture: np.ndarray) -> list[np.ndarray]:
    """Left eye, right eye and tip of the nose of each face, (3, 2), pixels: dlib's corners of the eyes and base of the nose, converted."""
    find, five, _ = dlib_networks()
    found = []
    for box in find(picture, 0):
        corners = np.array([(point.x, point.y) for point in five(picture, box).parts()], np.float64)
        eyes = np.stack((corners[2:4].mean(0), corners[0:2].mean(0)))
        between = eyes.mean(0)
        found.append(np.concatenate((eyes, [between + NOSE_TIP * (corners[4] - between)])))
    return found


def dlib_vectors(picture: np.ndarray) -> list[np.ndarray]:
    """The recogniser's vector (128,) of each face."""
    find, five, recogniser = dlib_networks()
    return [np.array(recogniser.compute_face_descriptor(picture, five(picture, box), 1)) for box in find(picture, 0)]
