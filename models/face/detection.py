"""Face detectors by name: which files they need and which one a choice means."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from ..errors import (
    CorruptModelFileError,
    InvalidSettingError,
    MissingModelFileError,
    MissingPackageError,
    require_range,
)
from ..port.encoders import FaceDetector
from ..weights.onnx_graph import Role, read_graph
from .given import FaceCrop, GivenRegions
from .insightface import InsightFace
from .sessions import import_insightface
from .yunet import YuNet

logger = logging.getLogger(__name__)

DetectorName = Literal["auto", "insightface", "yunet", "given region", "face crop"]

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


def choose(name: DetectorName, files: DetectorFiles, *, region: str = "", min_score: float = 0.5) -> FaceDetector:
    """The detector that a name means.

    Args:
        name: the choice; "auto" is insightface if its file and package are there, else YuNet.
        files: the model files that there are; "given region" and "face crop" need none.
        region: for "given region", see `given.parse_region`.
        min_score: lowest score that counts, 0–1; regions of the user's own always count.

    Raises:
        InvalidSettingError: if there is no such detector or the score is out of range.
        MissingModelFileError: if no file is there for the detector; names both choices and their licences.
        MissingPackageError: if the detector's package is not installed.
    """
    if name not in get_args(DetectorName):
        raise InvalidSettingError(f'detector is "{name}"; choose one of: {", ".join(get_args(DetectorName))}.')
    require_range("min_score", min_score, 1)
    if name == "given region":
        return GivenRegions(region)
    if name == "face crop":
        return FaceCrop()
    if files.scrfd is not None and name in ("auto", "insightface"):
        try:
            import_insightface()
            return InsightFace(files.scrfd, min_score)
        except MissingPackageError as error:
            if name == "insightface" or files.yunet is None:
                raise
            logger.warning("%s Using YuNet instead.", error)
    if files.yunet is not None and name in ("auto", "yunet"):
        return YuNet(files.yunet, min_score)
    raise MissingModelFileError(_missing(name, files))


def _missing(name: DetectorName, there: DetectorFiles) -> str:
    wanted = list(LICENCES) if name == "auto" else [name]
    files = " or ".join(f"{LICENCES[each]} into {_folder(there, each)}" for each in wanted)
    faults = f" Files that could not be read: {' '.join(there.faults)}" if there.faults else ""
    return (
        f'No model file was found for the face detector "{name}"; put {files}, or choose detector "given region" or '
        f'"face crop", which need none.{faults}'
    )


def _folder(files: DetectorFiles, name: str) -> str:
    return dict(files.folders).get(name, f"the folder of {name}")
