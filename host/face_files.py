"""Files of face detectors and recognisers, among all ONNX files of their folders at any depth."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..models.errors import MissingModelFileError
from ..models.face.detection import DetectorFiles, sort_files
from ..models.weights.folders import files_below
from .files import (
    AUTO,
    FACE_DETECTION,
    FACE_RECOGNITION,
    INSIGHTFACE,
    folders_of,
    list_files,
    missing_sentence,
    resolve,
)


def list_recognisers() -> list[str]:
    """ONNX files in the insightface folders, by the end of their path, for a widget."""
    return sorted({_shown(path) for path in onnx_files(folders_of(INSIGHTFACE))})


def recognition_files() -> dict[str, Path]:
    """Files that may hold face recognisers, by the end of their path: ONNX files in the insightface and face_detection folders,
    and what lies in face_recognition.
    """
    graphs = onnx_files([*folders_of(INSIGHTFACE), *folders_of(FACE_RECOGNITION), *folders_of(FACE_DETECTION)])
    weights = [resolve(FACE_RECOGNITION, name) for name in list_files(FACE_RECOGNITION) if not name.endswith(".onnx")]
    return {_shown(path): path for path in sorted([*graphs, *weights], key=_shown)}


def recogniser_file(choice: str, published: str) -> Path | None:
    """The face recogniser that a widget names.

    Args:
        choice: what `list_recognisers` gave, or "auto".
        published: name, without suffix, of the file that the adapter was trained with; the only one that "auto" takes,
            because another recogniser of the same size would give other numbers without a word.

    Returns:
        The file, or None where "auto" finds none.

    Raises:
        MissingModelFileError: if a named file is not there.
    """
    paths = onnx_files(folders_of(INSIGHTFACE))
    if choice == AUTO:
        return next((path for path in paths if path.stem == published), None)
    found = next((path for path in paths if _shown(path) == choice), None)
    if found is None:
        raise MissingModelFileError(missing_sentence(INSIGHTFACE, choice))
    return found


def detector_files() -> DetectorFiles:
    """The face detectors among all ONNX files in the insightface and face_detection folders, at any depth and name."""
    folders = {name: folders_of(name) for name in (INSIGHTFACE, FACE_DETECTION)}
    places = (("insightface", folders[INSIGHTFACE][-1]), ("yunet", folders[FACE_DETECTION][-1]))
    return sort_files(onnx_files([*folders[INSIGHTFACE], *folders[FACE_DETECTION]]), places)


def onnx_files(folders: Iterable[str]) -> list[Path]:
    """All ONNX files below some folders, sub-folders and links included, each once, in a stable order."""
    return [path for _, path in files_below(folders, _is_onnx)]


def _is_onnx(name: str) -> bool:
    return name.endswith(".onnx")  # as insightface asks for it


def _shown(path: Path) -> str:
    """Folder and name: enough to tell files of two packs apart."""
    return f"{path.parent.name}/{path.name}"
