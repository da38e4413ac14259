"""Model files found by what is in them, for the `auto` of loaders."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from torch import Tensor

from ..models.errors import LikenessError
from ..models.weights.reading import read_shapes
from ..models.weights.signatures import known_files
from ..models.weights.state_dict import flatten, identify
from .files import AUTO, list_files, resolve

logger = logging.getLogger(__name__)

NONE = "none"
Shapes = Mapping[str, Tensor]  # on the meta device

_seen: dict[tuple[str, int, int], dict[str, Tensor]] = {}


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
    found = [name for name in list_files(folder) if _is(resolve(folder, name), kind, fits)]
    if not found:
        return None
    others = f" (there are others: {', '.join(found[1:])})" if found[1:] else ""
    logger.info("%s: taking %s%s", kind, found[0], others)
    return resolve(folder, found[0])


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
