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
from .mtcnn import MTCNN
from .mtcnn_networks import require_mtcnn
from .refinement import RefinedPoints
from .sessions import import_insightface
from .yunet import YuNet

logger = logging.getLogger(__name__)

DetectorName = Literal["auto", "insightface", "yunet", "mtcnn", "given region", "face crop"]

LICENCES = {
    "insightface": "insightface's buffalo_l pack (an SCRFD .onnx file; non-commercial research only)",
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


def choose(
    name: DetectorName, files: DetectorFiles, *, region: str = "", min_score: float = 0.5, refine_points: bool = True
) -> FaceDetector:
    """The detector that a name means.

    Args:
        name: the choice; "auto" is insightface if its file and package are there, else YuNet if its file is there, else MTCNN,
            whose networks are in a required package.
        files: the model files that there are; only "insightface" and "yunet" need one.
        region: for "given region", see `given.parse_region`.
        min_score: lowest score that counts, 0–1; regions of the user's own always count.
        refine_points: whether the five points of YuNet's faces come from MTCNN's last network.

    Raises:
        InvalidSettingError: if there is no such detector or the score is out of range.
        MissingModelFileError: if no file is there for the detector; names it and its licence.
        MissingPackageError: if the detector's package, or that of the points, is not installed.
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
            if name == "insightface":
                raise
            logger.warning("%s Using %s instead.", error, "MTCNN" if files.yunet is None else "YuNet")
    if files.yunet is not None and name in ("auto", "yunet"):
        return _yunet(files.yunet, min_score, refine_points)
    if name in ("auto", "mtcnn"):
        require_mtcnn(otherwise='or choose detector "given region" or "face crop".')
        return MTCNN(min_score)
    raise MissingModelFileError(_missing(name, files))


def _yunet(path: Path, min_score: float, refine_points: bool) -> FaceDetector:
    if not refine_points:
        return YuNet(path, min_score)
    require_mtcnn("Refining the points of YuNet's faces", "or switch refine_points of Detect Faces off.")
    return RefinedPoints(YuNet(path, min_score))


def _missing(name: DetectorName, there: DetectorFiles) -> str:
    count = f" (the first of {len(there.faults)})" if len(there.faults) > 1 else ""
    faults = f" A file could not be read{count}: {there.faults[0]}" if there.faults else ""
    return (
        f'No model file was found for the face detector "{name}"; put {LICENCES[name]} into {_folder(there, name)}, or choose '
        f'detector "auto" or "mtcnn", which need none.{faults}'
    )


def _folder(files: DetectorFiles, name: str) -> str:
    return dict(files.folders).get(name, f"the folder of {name}")
