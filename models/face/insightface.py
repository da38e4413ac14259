"""insightface's detectors (SCRFD, as in buffalo_l and antelopev2) and recognisers (ArcFace)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import UnknownCheckpointError
from ..weights.fingerprint import of_file
from ..weights.onnx_graph import read_graph
from .alignment import align
from .looking import look_twice
from .recognition.same_person import SamePerson
from .sessions import SESSIONS, load_insightface, providers, running
from .types import Detection, Face

# The defaults of insightface's FaceAnalysis, which the UniPortrait app uses.
DETECTION_SIZE = 640  # pixels
NMS_THRESHOLD = 0.4
RECOGNITION_SIZE = 112  # pixels
ARCFACE_WIDTH = 512
PUBLISHED = SamePerson("cosine", 0.28, "insightface's example of comparing two faces")


@dataclass(frozen=True, slots=True)
class InsightFace:
    """An SCRFD model; a `FaceDetector`.

    Attributes:
        path: the ONNX file.
        min_score: lowest score that counts, 0–1.
        size: side of the square that the detector sees, pixels.
    """

    path: Path
    min_score: float = 0.5
    size: int = DETECTION_SIZE

    @property
    def key(self) -> str:
        """Hash of the file with all that decides what is found."""
        return f"insightface {of_file(self.path)} {self.min_score} {self.size}"

    def at_size(self, size: int) -> InsightFace:
        """The same model that looks at a square of another size, pixels."""
        return replace(self, size=size)

    def find(self, pictures: Sequence[np.ndarray]) -> Iterator[list[Detection]]:
        """The faces of one picture after another, the surest first.

        Args:
            pictures: (H, W, 3) uint8 RGB each.

        Raises:
            MissingPackageError: if insightface or onnxruntime is not installed.
            CorruptModelFileError: if the file cannot be loaded.
            UnknownCheckpointError: if insightface takes the file for something else than a detector.
        """
        return (look_twice(picture, self._look) for picture in pictures)

    def _look(self, picture: np.ndarray) -> list[Detection]:
        wanted = providers()

        def load() -> object:
            model = load_insightface(self.path, wanted)
            _require(model, "detection", self.path)
            model.prepare(ctx_id=0, input_size=(self.size, self.size), nms_thresh=NMS_THRESHOLD)
            return model

        with running(self.path, "insightface"), SESSIONS.lend(self.path, wanted[0], load) as model:
            model.det_thresh = self.min_score
            # insightface expects BGR; a session is shared by all sizes
            found, points = model.detect(np.ascontiguousarray(picture[..., ::-1]), input_size=(self.size, self.size))
            return [
                Detection(box[:4].astype(np.float32), five.astype(np.float32).reshape(5, 2), float(box[4]))
                for box, five in zip(found, points, strict=True)
                if np.isfinite(box).all() and np.isfinite(five).all()
            ]


@dataclass(frozen=True, slots=True)
class ArcFace:
    """An ArcFace model; a `FaceRecogniser`. Every adapter names the one that it was trained with.

    Attributes:
        path: the ONNX file.
    """

    path: Path

    @property
    def key(self) -> str:
        """Hash of the file."""
        return f"arcface {of_file(self.path)}"

    @property
    def width(self) -> int:
        """Length of a vector."""
        return ARCFACE_WIDTH

    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        """Vectors of faces, (R, 512) float32, not normalised, see `FaceRecogniser`.

        Raises:
            MissingModelFileError, CorruptModelFileError: if the file is missing or cannot be read.
            UnknownCheckpointError: if it is no ArcFace model.
            MissingPackageError: if insightface or onnxruntime is not installed.
        """
        crops = [align(picture, face.points, RECOGNITION_SIZE) for face, picture in zip(faces, pictures, strict=True)]
        return self.of_crops(crops)

    def require(self) -> None:
        """Make sure of the file by its structure alone; raises as `vectors`."""
        if read_graph(self.path).role != "arcface":
            raise UnknownCheckpointError(
                f'The file "{self.path.name}" is no ArcFace model (one 112×112 picture in, 512 numbers out); choose the '
                "recogniser that the adapter was trained with."
            )

    def of_crops(self, crops: Sequence[np.ndarray] | np.ndarray) -> Tensor:
        """Vectors of faces that are aligned already, (R, 112, 112, 3) uint8 RGB → (R, 512); the rest as `vectors`."""
        self.require()
        return torch.from_numpy(np.stack([embed(crop, self.path) for crop in crops]))


def embed(crop: np.ndarray, path: Path) -> np.ndarray:
    """Describe an aligned face with an ArcFace model.

    Args:
        crop: (112, 112, 3) uint8 RGB, aligned to the ArcFace template.
        path: the ONNX file.

    Returns:
        (512,) float32, not normalised.

    Raises:
        MissingPackageError, CorruptModelFileError, UnknownCheckpointError: see `InsightFace.find`.
    """
    wanted = providers()

    def load() -> object:
        model = load_insightface(path, wanted)
        _require(model, "recognition", path)
        return model

    with running(path, "insightface"), SESSIONS.lend(path, wanted[0], load) as model:
        return np.asarray(model.get_feat(np.ascontiguousarray(crop[..., ::-1])), np.float32).reshape(ARCFACE_WIDTH)


def _require(model: object, task: str, path: Path) -> None:
    seen = getattr(model, "taskname", None)
    if seen != task:
        raise UnknownCheckpointError(
            f'The file "{path.name}" is no {task} model (insightface calls it "{seen}"); choose another file.'
        )
