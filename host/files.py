"""Model files: folders, lists and paths, and those found by what is in them. The only module that knows ComfyUI's folder_paths."""

from __future__ import annotations

import difflib
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import folder_paths
from torch import Tensor

from ..models import methods
from ..models.errors import LikenessError, MissingModelFileError
from ..models.weights.reading import read_shapes
from ..models.weights.signatures import known_files
from ..models.weights.state_dict import flatten, identify

WEIGHTS_FOLDERS = (
    *(folder for wing in methods.wings(methods.__package__, "checkpoint") for folder in wing.FOLDERS),
    "face_parsing",
    "dino",
    "prior",
)
INSIGHTFACE, FACE_DETECTION, FACE_RECOGNITION = "insightface", "face_detection", "face_recognition"
IDENTITIES = "identities"
AUTO, NONE = "auto", "none"  # of a loader's widget, beside names of files
NEAR_MISSES = 4
Shapes = Mapping[str, Tensor]  # on the meta device

T = TypeVar("T")
_shared: WeakValueDictionary[tuple[str, int, int, str], Any] = WeakValueDictionary()
_seen: dict[tuple[str, int, int], dict[str, Tensor]] = {}
_lock = RLock()
logger = logging.getLogger(__name__)


def register_folders() -> None:
    """Make our model folders known to ComfyUI; may be called any number of times.

    Paths that extra_model_paths.yaml or another pack added before stay, and stay first.
    """
    for name in WEIGHTS_FOLDERS:
        _register(name, folder_paths.supported_pt_extensions)
    _register(FACE_DETECTION, {".onnx"})
    _register(FACE_RECOGNITION, {".onnx", *folder_paths.supported_pt_extensions})
    _register(IDENTITIES, {".safetensors"})


def list_files(folder: str) -> list[str]:
    """Names of the files in a model folder, sorted; empty where the folder is unknown or does not exist."""
    if folder not in folder_paths.folder_names_and_paths:
        return []
    return folder_paths.get_filename_list(folder)


def resolve(folder: str, name: str) -> Path:
    """The path of a file that a widget names.

    Args:
        folder: name of the model folder, such as "uniportrait".
        name: what `list_files` gave; may hold a sub-folder.

    Raises:
        MissingModelFileError: naming the folders searched and files of a similar name.
    """
    known = folder in folder_paths.folder_names_and_paths
    path = folder_paths.get_full_path(folder, name) if known and name else None
    if path is None:
        raise MissingModelFileError(missing_sentence(folder, name))
    return Path(path)


def load_once(path: Path, kind: str, load: Callable[[], T]) -> T:
    """What was made of a file, shared by all who ask for the same while somebody still has it.

    Args:
        path: the file; another size or time of change makes it another file.
        kind: what is made of it, since several kinds may be.
        load: reads it.
    """
    state = path.stat()
    key = (os.path.realpath(path), state.st_size, state.st_mtime_ns, kind)
    with _lock:
        found = _shared.get(key)
        if found is None:
            found = _shared[key] = load()
        return found


def model_folder(name: str) -> str:
    """The folder where files of a kind belong, for messages: the default one."""
    return _default(name)


def embedding_folders() -> list[str]:
    """Where prompts find textual inversions."""
    return folders_of("embeddings")


def _register(name: str, extensions: set[str]) -> None:
    paths, known = folder_paths.folder_names_and_paths.get(name, ([], set()))
    default = _default(name)
    if default not in map(os.path.abspath, paths):
        paths = [*paths, default]
    # a name that only the yaml file knows has no extensions, which would list every file
    folder_paths.folder_names_and_paths[name] = (paths, set(known) | extensions)


def _default(name: str) -> str:
    return os.path.abspath(os.path.join(folder_paths.models_dir, name))


def folders_of(name: str) -> list[str]:
    """Every folder registered under a name, the default one last; nobody has to have registered it."""
    registered = folder_paths.folder_names_and_paths.get(name, ([], set()))[0]
    default = _default(name)
    return [path for path in registered if os.path.abspath(path) != default] + [default]


def missing_sentence(folder: str, name: str) -> str:
    """What is said where a model folder has no file of a name, or none is named."""
    searched = ", ".join(folders_of(folder))
    if not name:
        return f"No file is chosen for {folder}; put one into {searched}, reload the page and choose it."
    others = list_files(folder)
    near = difflib.get_close_matches(name, others, n=NEAR_MISSES, cutoff=0.4) or others[:NEAR_MISSES]
    there = f"There is: {', '.join(near)}." if near else "There is no file yet."
    return f'The file "{name}" was not found in {searched}. {there} Put the file there or choose another; file names are free.'


def choose_file(choice: str, folder: str, kind: str, fits: Callable[[Shapes], bool] | None = None) -> Path | None:
    """The file that a loader's widget means.

    Args:
        choice: a file of the folder, "none", or "auto": the first by name whose content is of the kind and fits.
        folder: name of the model folder.
        kind: one of `models.weights.signatures`.
        fits: whether a file of the kind is the right one, by its keys and shapes.

    Returns:
        Its path; None for "none", and where "auto" finds nothing.

    Raises:
        MissingModelFileError: if a named file is not there.
    """
    if choice == NONE:
        return None
    if choice != AUTO:
        return resolve(folder, choice)
    found = fitting_files(folder, kind, fits)
    if not found:
        return None
    others = f" (there are others: {', '.join(path.name for path in found[1:])})" if found[1:] else ""
    logger.info("%s: taking %s%s", kind, found[0].name, others)
    return found[0]


def fitting_files(folder: str, kind: str, fits: Callable[[Shapes], bool] | None = None) -> list[Path]:
    """All files of a model folder whose content is of a kind and fits, by name; see `choose_file`."""
    paths = (resolve(folder, name) for name in list_files(folder))
    return [path for path in paths if _is(path, kind, fits)]


def _is(path: Path, kind: str, fits: Callable[[Shapes], bool] | None) -> bool:
    shapes = _shapes(path)
    found = identify(shapes, known_files())
    return found is not None and found.kind == kind and (fits is None or fits(shapes))


def _shapes(path: Path) -> dict[str, Tensor]:
    """Keys and shapes of a file, read again when it changes; empty where it is no weights file."""
    state = path.stat()
    key = (str(path), state.st_size, state.st_mtime_ns)
    if key not in _seen:
        try:
            _seen[key] = flatten(read_shapes(path))
        except LikenessError as error:
            logger.warning("%s", error)
            _seen[key] = {}
    return _seen[key]
