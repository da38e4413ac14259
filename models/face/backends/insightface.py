"""insightface's detectors (SCRFD, as in buffalo_l and antelopev2) and recognisers (ArcFace)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import UnknownCheckpointError
from ..sessions import SESSIONS, load_insightface, providers
from ..types import Detection

# The defaults of insightface's FaceAnalysis, which the UniPortrait app uses.
DETECTION_SIZE = 640  # pixels
NMS_THRESHOLD = 0.4
RECOGNITION_SIZE = 112  # pixels


def detect(image: np.ndarray, path: Path, min_score: float, size: int = DETECTION_SIZE) -> list[Detection]:
    """Find faces with an SCRFD model.

    Args:
        image: (H, W, 3) uint8 RGB.
        path: the ONNX file.
        min_score: lowest score that counts, 0–1.
        size: side of the square that the detector sees, pixels.

    Returns:
        The faces, highest score first.

    Raises:
        MissingPackageError: if insightface or onnxruntime is not installed.
        CorruptModelFileError: if the file cannot be loaded.
        UnknownCheckpointError: if insightface takes the file for something else than a detector.
    """
    wanted = providers()

    def load() -> object:
        model = load_insightface(path, wanted)
        _require(model, "detection", path)
        model.prepare(ctx_id=0, input_size=(size, size), nms_thresh=NMS_THRESHOLD)
        return model

    with SESSIONS.lend(path, wanted[0], load) as model:
        model.det_thresh = min_score
        # insightface expects BGR; a session is shared by all sizes
        found, points = model.detect(np.ascontiguousarray(image[..., ::-1]), input_size=(size, size))
    return [
        Detection(box[:4].astype(np.float32), five.astype(np.float32), float(box[4]))
        for box, five in zip(found, points, strict=True)
    ]


def embed(crop: np.ndarray, path: Path) -> np.ndarray:
    """Describe an aligned face with an ArcFace model.

    Args:
        crop: (112, 112, 3) uint8 RGB, aligned to the ArcFace template.
        path: the ONNX file.

    Returns:
        (512,) float32, not normalised.

    Raises:
        MissingPackageError, CorruptModelFileError, UnknownCheckpointError: see `detect`.
    """
    wanted = providers()

    def load() -> object:
        model = load_insightface(path, wanted)
        _require(model, "recognition", path)
        return model

    with SESSIONS.lend(path, wanted[0], load) as model:
        return np.asarray(model.get_feat(np.ascontiguousarray(crop[..., ::-1])), np.float32).reshape(-1)


def _require(model: object, task: str, path: Path) -> None:
    seen = getattr(model, "taskname", None)
    if seen != task:
        raise UnknownCheckpointError(
            f'The file "{path.name}" is no {task} model (insightface calls it "{seen}"); choose another file.'
        )
