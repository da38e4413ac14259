"""dlib's recogniser, whose weights come in a package (CC0, commercial use allowed)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...packages import import_package
from ...weights.fingerprint import of_file
from ..alignment import TEMPLATE_SIZE, opencv, similarity_matrix
from ..sessions import CPU, SESSIONS
from ..types import Face
from .same_person import SamePerson

WIDTH = 128
PUBLISHED = SamePerson("distance", 0.6, "dlib's face recognition example")
PURPOSE = "The recogniser dlib"
OTHERWISE = "or choose another recogniser."

# dlib looks for its own five points (corners of the eyes, base of the nose) in the box that its own detector would give. Where that
# box lies was measured on the six faces of four generated portraits and scikit-image's astronaut: in the ArcFace template's 112
# pixels its middle is at (54, 66), +-1.5 and +-4, and its side 88, +-10.
BOX_MIDDLE, BOX_SIDE = (54.0, 66.0), 88.0
SCALE, MARGIN = 2.5, 56.0  # of what dlib is shown: pixels per pixel of the template, and template's pixels around it


@dataclass(frozen=True, slots=True)
class DlibResNet:
    """dlib's ResNet; a `FaceRecogniser`."""

    @property
    def key(self) -> str:
        """Hash of both files."""
        return f"dlib {of_file(_location('face_recognition'))} {of_file(_location('pose_predictor_five_point'))}"

    @property
    def width(self) -> int:
        """Length of a vector."""
        return WIDTH

    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        """Vectors of faces, (R, 128) float32, not normalised: their lengths count, see `PUBLISHED`.

        Raises:
            MissingPackageError: if dlib or its weights are not installed.
        """
        rows = [_describe(chip(picture, face.points)) for face, picture in zip(faces, pictures, strict=True)]
        return torch.from_numpy(np.stack(rows)) if rows else torch.zeros(0, WIDTH)


def chip(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Cut out a face as dlib's recogniser expects it, by dlib's own points.

    Args:
        picture: (H, W, 3) uint8 RGB.
        points: (5, 2), as `Face` has them; they turn the face upright and say where dlib looks for its own.

    Returns:
        (150, 150, 3) uint8.

    Raises:
        MissingPackageError: see `DlibResNet`.
    """
    dlib = _dlib()
    cv2 = opencv()
    side = round(SCALE * (TEMPLATE_SIZE + 2 * MARGIN))
    matrix = SCALE * (similarity_matrix(points, TEMPLATE_SIZE) + np.array([[0, 0, MARGIN], [0, 0, MARGIN]]))
    upright = cv2.warpAffine(picture, matrix, (side, side), flags=cv2.INTER_LINEAR)
    left, top = (SCALE * (middle + MARGIN - BOX_SIDE / 2) for middle in BOX_MIDDLE)
    box = dlib.rectangle(round(left), round(top), round(left + SCALE * BOX_SIDE), round(top + SCALE * BOX_SIDE))
    path = _location("pose_predictor_five_point")
    with SESSIONS.lend(path, CPU, lambda: dlib.shape_predictor(str(path))) as predictor:
        own = predictor(upright, box)
    return dlib.get_face_chip(upright, own)


def _describe(face: np.ndarray) -> np.ndarray:
    dlib, path = _dlib(), _location("face_recognition")
    with SESSIONS.lend(path, CPU, lambda: dlib.face_recognition_model_v1(str(path))) as network:
        return np.asarray(network.compute_face_descriptor(face), np.float32)


def _dlib() -> Any:
    names = ("face_recognition_model_v1", "shape_predictor", "get_face_chip")
    return import_package("dlib", *names, purpose=PURPOSE, otherwise=OTHERWISE)


def _location(model: str) -> Path:
    """Where the package has a file."""
    name = f"{model}_model_location"
    found: Any = import_package("face_recognition_models", name, purpose=PURPOSE, otherwise=OTHERWISE)
    return Path(getattr(found, name)())
