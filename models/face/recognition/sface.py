"""SFace, OpenCV's recogniser (face_recognition_sface_2021dec.onnx; Apache-2.0, commercial use allowed)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...errors import UnknownCheckpointError
from ...weights.fingerprint import of_file
from ...weights.onnx_graph import read_graph
from ..alignment import align
from ..sessions import CPU, SESSIONS, load_graph, running
from ..types import Face
from .same_person import SamePerson

SIZE = 112  # pixels
WIDTH = 128
PUBLISHED = SamePerson("cosine", 0.363, "OpenCV's SFace example")


@dataclass(frozen=True, slots=True)
class SFace:
    """OpenCV's recogniser; a `FaceRecogniser`.

    Attributes:
        path: the ONNX file.
    """

    path: Path

    @property
    def key(self) -> str:
        """Hash of the file."""
        return f"sface {of_file(self.path)}"

    @property
    def width(self) -> int:
        """Length of a vector."""
        return WIDTH

    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        """Vectors of faces, (R, 128) float32, not normalised, see `FaceRecogniser`.

        Raises:
            MissingModelFileError, CorruptModelFileError: if the file is missing or cannot be read.
            UnknownCheckpointError: if it is no SFace model.
            MissingPackageError: if onnxruntime is not installed.
        """
        if read_graph(self.path).role != "sface":
            raise UnknownCheckpointError(
                f'The file "{self.path.name}" is no SFace model (one 112×112 picture in, 128 numbers out); choose '
                "face_recognition_sface_2021dec.onnx."
            )
        rows = [self._one(align(picture, face.points, SIZE)) for face, picture in zip(faces, pictures, strict=True)]
        return torch.from_numpy(np.stack(rows)) if rows else torch.zeros(0, WIDTH)

    def _one(self, crop: np.ndarray) -> np.ndarray:
        pixels = np.ascontiguousarray(crop.transpose(2, 0, 1)[None], np.float32)  # RGB, 0–255
        load = partial(load_graph, self.path, purpose="The recogniser SFace")
        with running(self.path, "onnxruntime"), SESSIONS.lend(self.path, CPU, load) as session:
            [vector] = session.run(None, {session.get_inputs()[0].name: pixels})
            return np.asarray(vector, np.float32).reshape(WIDTH)
