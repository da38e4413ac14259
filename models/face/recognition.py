"""Face recognition: a vector per aligned face. Every adapter names the recogniser that it was trained with."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import UnknownCheckpointError
from ..weights.onnx_graph import read_graph
from .alignment import align
from .backends import insightface
from .types import Face


def describe(face: Face, picture: np.ndarray, recogniser: Path) -> np.ndarray:
    """The vector that an ArcFace model gives for a face.

    Args:
        face: the face.
        picture: the one that shows it, (H, W, 3) uint8 RGB.
        recogniser: the model's ONNX file.

    Returns:
        (512,) float32, not normalised.

    Raises:
        MissingModelFileError, CorruptModelFileError: if the file is missing or cannot be read.
        UnknownCheckpointError: if it is no ArcFace model.
        MissingPackageError: if insightface or onnxruntime is not installed.
    """
    if read_graph(recogniser).role != "arcface":
        raise UnknownCheckpointError(
            f'The file "{recogniser.name}" is no ArcFace model (one 112×112 picture in, 512 numbers out); choose the '
            "recogniser that the adapter was trained with."
        )
    return insightface.embed(align(picture, face.points, insightface.RECOGNITION_SIZE), recogniser)
