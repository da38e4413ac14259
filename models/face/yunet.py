"""YuNet, OpenCV's face detector (MIT)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CorruptModelFileError, UnknownCheckpointError, first_line
from ..weights.fingerprint import of_file
from ..weights.onnx_check import check_onnx
from .alignment import opencv
from .looking import look_twice
from .sessions import CPU, SESSIONS
from .types import Detection

INPUT_SIDE = 640  # pixels; the size of the published graph, so that no OpenCV has to reshape it
PICTURE_SIDES = (
    640,
    320,
)  # pixels of the longer side; YuNet misses faces over 300 pixels, so the second look is smaller
STRIDES = (8, 16, 32)  # pixels of a cell of each output
OUTPUTS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}  # numbers of a cell, in OpenCV's order
NMS_THRESHOLD = 0.3  # OpenCV's default
MOST_FACES = 5000  # OpenCV's default, before suppression


@dataclass(frozen=True, slots=True)
class YuNet:
    """OpenCV's detector; a `FaceDetector`.

    Attributes:
        path: the ONNX file.
        min_score: lowest score that counts, 0–1.
    """

    path: Path
    min_score: float = 0.5

    @property
    def key(self) -> str:
        """Hash of the file with all that decides what is found."""
        return f"yunet {of_file(self.path)} {self.min_score}"

    def at_size(self, size: int) -> YuNet:
        """Itself: it looks at two sizes of its own."""
        del size
        return self

    def find(self, pictures: Sequence[np.ndarray]) -> Iterator[list[Detection]]:
        """The faces of one picture after another, the surest first.

        Args:
            pictures: (H, W, 3) uint8 RGB each.

        Raises:
            MissingPackageError: if OpenCV is not installed.
            CorruptModelFileError: if the file is damaged or OpenCV cannot read it.
            UnknownCheckpointError: if it is no YuNet.
        """
        return (look_twice(picture, self._look) for picture in pictures)

    def _look(self, picture: np.ndarray) -> list[Detection]:
        with SESSIONS.lend(self.path, CPU, lambda: _load(self.path)) as detector:
            detector.setScoreThreshold(self.min_score)
            for side in PICTURE_SIDES:
                found = _detect_at(detector, picture, side, self.path)
                if found:
                    return sorted(found, key=lambda detection: -detection.score)
        return []


def _load(path: Path) -> Any:
    cv2 = opencv()
    check_onnx(path)
    _require_outputs(cv2, path)
    settings = ((INPUT_SIDE, INPUT_SIDE), 0.5, NMS_THRESHOLD, MOST_FACES)
    try:
        if str(path).isascii():
            return cv2.FaceDetectorYN.create(str(path), "", *settings)
        content = np.frombuffer(path.read_bytes(), np.uint8)  # OpenCV cannot open such a path on Windows
        return cv2.FaceDetectorYN.create("onnx", content, np.empty(0, np.uint8), *settings)
    except cv2.error as error:
        raise _unreadable(path, error) from error


def _require_outputs(cv2: Any, path: Path) -> None:
    """Run the graph once by itself: OpenCV's detector reads as many numbers as the published graph gives, however few there are."""
    names = {
        f"{kind}_{stride}": (INPUT_SIDE // stride) ** 2 * width for kind, width in OUTPUTS.items() for stride in STRIDES
    }
    try:
        network = cv2.dnn.readNetFromONNX(np.frombuffer(path.read_bytes(), np.uint8))
        network.setInput(np.zeros((1, 3, INPUT_SIDE, INPUT_SIDE), np.float32))
        found = {name: output.size for name, output in zip(names, network.forward(list(names)), strict=True)}
    except cv2.error as error:
        raise _unreadable(path, error) from error
    if found != names:
        name = next(name for name, size in names.items() if found[name] != size)
        raise UnknownCheckpointError(
            f'The file "{path.name}" gives {found[name]} numbers as "{name}", and YuNet gives {names[name]}; choose the published file.'
        )


def _detect_at(detector: Any, image: np.ndarray, side: int, path: Path) -> list[Detection]:
    cv2 = opencv()
    height, width = image.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    reduced = image if scale == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((INPUT_SIDE, INPUT_SIDE, 3), np.uint8)
    canvas[: size[1], : size[0]] = reduced[..., ::-1]  # OpenCV expects BGR
    try:
        _, rows = detector.detect(canvas)
    except cv2.error as error:
        raise _unreadable(path, error) from error
    ratio = np.array([width / size[0], height / size[1]], np.float32)
    detections = []
    for row in rows if rows is not None else ():
        if not np.isfinite(row).all():
            continue
        corner, extent = row[:2] * ratio, row[2:4] * ratio
        # YuNet's "right eye" is the person's, on the left of the picture: its order is the one wanted here
        points = row[4:14].reshape(5, 2) * ratio
        detections.append(
            Detection(np.concatenate((corner, corner + extent)).astype(np.float32), points, float(row[14]))
        )
    return detections


def _unreadable(path: Path, error: Exception) -> CorruptModelFileError:
    return CorruptModelFileError(
        f'The file "{path.name}" cannot be used by OpenCV\'s YuNet ({first_line(error)}); download it again, or update OpenCV.'
    )
