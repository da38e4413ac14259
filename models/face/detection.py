"""Face detection: one function, with the back ends behind it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from ..errors import CorruptModelFileError, InvalidSettingError, MissingModelFileError, MissingPackageError
from ..weights.onnx_graph import Role, read_graph
from .alignment import opencv
from .backends import given as region
from .backends import insightface, yunet
from .sessions import import_insightface
from .types import Detection

logger = logging.getLogger(__name__)

DetectorName = Literal["auto", "insightface", "yunet", "given region", "face crop"]

PADDING_SHARE = 0.25  # of height and width, on each side, for the second look (UniPortrait's app)
PADDING_GREY = 128
LONGEST_SIDE = 4096  # pixels; longer pictures are looked at in a reduced copy, every detector works at 640 anyway
REDUCED_SIDE = 2048
THINNEST = 64  # a picture this many times longer than wide shows no face and would vanish at the detector's size

LICENCES = {
    "insightface": "insightface's buffalo_l pack (any SCRFD .onnx file; its models are for non-commercial research only)",
    "yunet": "OpenCV's YuNet (face_detection_yunet_2023mar.onnx; MIT, commercial use allowed)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorFiles:
    """The model files that detectors can use, recognised by what their graphs take and give.

    Attributes:
        scrfd: insightface's detector, or None.
        yunet: OpenCV's detector, or None.
        folders: back end to the folders where its files belong, for messages.
        faults: one sentence per file that could not be read.
    """

    scrfd: Path | None = None
    yunet: Path | None = None
    folders: tuple[tuple[str, str], ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSettings:
    """How faces are found.

    Attributes:
        detector: the back end; "auto" is insightface if its file and package are there, else YuNet.
        min_score: lowest score that counts, 0–1; the user's own regions always count.
        region: for "given region", see `backends.region.parse_region`.
        size: side of the square that insightface's detector sees, pixels.
        files: the model files.
        look: a detector that is already loaded, used instead: from a picture (H, W, 3) uint8 RGB and the lowest score to
            its faces.
    """

    detector: DetectorName = "auto"
    min_score: float = 0.5
    region: str = ""
    size: int = insightface.DETECTION_SIZE
    files: DetectorFiles = DetectorFiles()
    look: Callable[[np.ndarray, float], list[Detection]] | None = None

    def __post_init__(self) -> None:
        if self.detector not in get_args(DetectorName):
            raise InvalidSettingError(
                f'detector is "{self.detector}"; choose one of: {", ".join(get_args(DetectorName))}.'
            )
        if not 0 <= self.min_score <= 1:
            raise InvalidSettingError(f"min_score is {self.min_score}; choose 0 to 1.")


def sort_files(paths: Iterable[Path], folders: tuple[tuple[str, str], ...] = ()) -> DetectorFiles:
    """Find the detectors among ONNX files, whatever their names.

    Of several SCRFD files that of a folder named buffalo_l comes first, then the largest; of several YuNets the largest.

    Args:
        paths: ONNX files.
        folders: see `DetectorFiles`.
    """
    found: dict[Role, list[Path]] = {}
    faults = []
    for path in paths:
        try:
            found.setdefault(read_graph(path).role, []).append(path)
        except CorruptModelFileError as error:
            logger.warning("%s", error)
            faults.append(str(error))

    def best(role: Role) -> Path | None:
        ranked = sorted(found.get(role, ()), key=lambda path: (path.parent.name != "buffalo_l", -path.stat().st_size))
        return ranked[0] if ranked else None

    return DetectorFiles(scrfd=best("scrfd"), yunet=best("yunet"), folders=folders, faults=tuple(faults))


def detect(images: Sequence[np.ndarray], settings: DetectorSettings) -> Iterable[list[Detection]]:
    """Find the faces of every picture.

    Args:
        images: (H, W, 3) uint8 RGB each.
        settings: the back end and its settings.

    Yields:
        The faces of one picture after another, in its own pixels: boxes clamped to the picture, points as found.

    Raises:
        MissingModelFileError: if no file is there for the detector; names both choices and their licences.
        MissingPackageError: if the detector's package is not installed.
        CorruptModelFileError: if the detector's file cannot be read.
        InvalidSettingError: if the region text cannot be read.
    """
    if settings.look is None and settings.detector == "given region":
        given = region.parse_region(settings.region, [image.shape[:2] for image in images])
        for image, detections in zip(images, given, strict=True):
            yield _clamped(detections, image)
        return
    if settings.look is None and settings.detector == "face crop":
        for image in images:
            yield [region.face_crop(image.shape[:2])]
        return
    look = _back_end(settings)
    for image in images:
        yield _clamped(_look_twice(image, look), image)


def _back_end(settings: DetectorSettings) -> Callable[[np.ndarray], list[Detection]]:
    files, wanted = settings.files, settings.detector
    if settings.look is not None:
        given = settings.look
        return lambda image: given(image, settings.min_score)
    if files.scrfd is not None and wanted in ("auto", "insightface"):
        path = files.scrfd
        try:
            import_insightface()
            return lambda image: insightface.detect(image, path, settings.min_score, settings.size)
        except MissingPackageError as error:
            if wanted == "insightface" or files.yunet is None:
                raise
            logger.warning("%s Using YuNet instead.", error)
    if files.yunet is not None and wanted in ("auto", "yunet"):
        path = files.yunet
        return lambda image: yunet.detect(image, path, settings.min_score)
    raise MissingModelFileError(_missing(settings))


def _missing(settings: DetectorSettings) -> str:
    wanted = list(LICENCES) if settings.detector == "auto" else [settings.detector]
    files = " or ".join(f"{LICENCES[name]} into {_folder(settings.files, name)}" for name in wanted)
    faults = f" Files that could not be read: {' '.join(settings.files.faults)}" if settings.files.faults else ""
    return (
        f'No model file was found for the face detector "{settings.detector}"; put {files}, or choose detector '
        f'"given region" or "face crop", which need none.{faults}'
    )


def _folder(files: DetectorFiles, name: str) -> str:
    return dict(files.folders).get(name, f"the folder of {name}")


def _look_twice(image: np.ndarray, look: Callable[[np.ndarray], list[Detection]]) -> list[Detection]:
    """Look for faces, and if there is none, again with a grey border: a face that fills the picture is missed."""
    height, width = image.shape[:2]
    if max(height, width) > THINNEST * min(height, width):
        return []
    reduced, scale = _reduced(image)
    found = look(reduced)
    offset = np.zeros(2, np.float32)
    if not found:
        rows, columns = int(PADDING_SHARE * reduced.shape[0]), int(PADDING_SHARE * reduced.shape[1])
        border = ((rows, rows), (columns, columns), (0, 0))
        found = look(np.pad(reduced, border, constant_values=PADDING_GREY))
        offset = np.array([columns, rows], np.float32)
    return [
        Detection((face.box - np.tile(offset, 2)) * np.tile(scale, 2), (face.points - offset) * scale, face.score)
        for face in found
    ]


def _reduced(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A picture small enough to work with, and the factors (x, y) that lead back."""
    height, width = image.shape[:2]
    if max(height, width) <= LONGEST_SIDE:
        return image, np.ones(2, np.float32)
    scale = REDUCED_SIDE / max(height, width)
    size = (round(width * scale), round(height * scale))
    cv2 = opencv()
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.array(
        [width / size[0], height / size[1]], np.float32
    )


def _clamped(detections: Iterable[Detection], image: np.ndarray) -> list[Detection]:
    """Boxes clamped to the picture; those that lie outside it altogether are dropped."""
    height, width = image.shape[:2]
    most = np.array([width, height, width, height], np.float32)
    clamped = [Detection(np.clip(face.box, 0, most), face.points, face.score) for face in detections]
    return [face for face in clamped if face.box[2] > face.box[0] and face.box[3] > face.box[1]]
