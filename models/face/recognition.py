"""Face recognition: a vector per aligned face. Every adapter names the recogniser that it was trained with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import UnknownCheckpointError
from ..weights.onnx_graph import read_graph
from .alignment import align
from .backends import insightface
from .types import Face


def describe(faces: Iterable[Face], images: tuple[np.ndarray, ...], recogniser: Path) -> tuple[Face, ...]:
    """Give faces the embedding of an ArcFace model.

    Args:
        faces: the faces.
        images: the pictures that `Face.image_index` points to, (H, W, 3) uint8 RGB each.
        recogniser: the model's ONNX file.

    Returns:
        The same faces with `embedding`, (512,) float32, not normalised.

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
    return tuple(
        replace(
            face,
            embedding=insightface.embed(
                align(images[face.image_index], face.points, insightface.RECOGNITION_SIZE), recogniser
            ),
        )
        for face in faces
    )
