"""Loaded detectors and recognisers: kept for the next picture, a few at most."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from ..errors import CorruptModelFileError, LikenessError, MissingModelFileError, UnknownCheckpointError, first_line
from ..packages import import_package
from ..weights.onnx_check import check_onnx

logger = logging.getLogger(__name__)

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
INSIGHTFACE, OTHERWISE = "The detector insightface", 'or choose detector "yunet" or "mtcnn".'  # in messages


class SessionCache:
    """The sessions used last, keyed by file, its state on disk, and provider.

    A session is lent to one thread at a time, because detectors keep settings between calls.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._sessions: OrderedDict[tuple[str, int, int, str], Any] = OrderedDict()
        self._lock = Lock()

    @contextmanager
    def lend(self, path: Path, provider: str, load: Callable[[], Any]) -> Generator[Any]:
        """The session of a file, loaded at the first request and again when the file changes.

        Raises:
            MissingModelFileError: if the file is gone.
        """
        if not path.is_file():
            raise MissingModelFileError(f'The file "{path.name}" is no longer in {path.parent}; put it back.')
        state = path.stat()
        key = (str(path), state.st_mtime_ns, state.st_size, provider)
        with self._lock:
            if key not in self._sessions:
                self._sessions[key] = load()
            self._sessions.move_to_end(key)
            while len(self._sessions) > self._most:
                self._sessions.popitem(last=False)
            yield self._sessions[key]

    def __len__(self) -> int:
        return len(self._sessions)


SESSIONS = SessionCache(most=4)


def providers() -> list[str]:
    """ONNX Runtime's providers to ask for, best first: CUDA where it is reported, always the CPU.

    Raises:
        MissingPackageError: if onnxruntime is not installed, or nothing is left of it.
    """
    onnxruntime = _import_onnxruntime()
    return [CUDA, CPU] if CUDA in onnxruntime.get_available_providers() else [CPU]


def import_insightface() -> Any:
    """insightface's model loader, imported at the first use.

    Raises:
        MissingPackageError: if insightface or onnxruntime is not installed or cannot be imported, for example because it
            was compiled for another numpy.
    """
    _import_onnxruntime()
    found: Any = import_package("insightface.model_zoo", "model_zoo", purpose=INSIGHTFACE, otherwise=OTHERWISE)
    return found.model_zoo


def _import_onnxruntime() -> Any:
    names = ("InferenceSession", "get_available_providers")
    return import_package("onnxruntime", *names, purpose=INSIGHTFACE, otherwise=OTHERWISE)


def load_graph(path: Path, *, purpose: str, of: str = "", again: str = "download it again") -> Any:
    """Load an ONNX file on the CPU.

    Args:
        path: the file.
        purpose: what needs onnxruntime, the beginning of a message.
        of: where the file comes from, behind its name in another.
        again: what to do with a file that cannot be loaded, its end.

    Returns:
        onnxruntime's session.

    Raises:
        MissingPackageError: if onnxruntime is not installed.
        CorruptModelFileError: if the file is damaged or cannot be loaded.
    """
    onnxruntime: Any = import_package("onnxruntime", "InferenceSession", purpose=purpose)
    check_onnx(path, of=of, again=again)
    try:
        return onnxruntime.InferenceSession(str(path), providers=[CPU])
    except Exception as error:  # it has an error of its own for every cause
        raise CorruptModelFileError(
            f'The file "{path.name}"{of} cannot be loaded ({first_line(error)}); {again}.'
        ) from error


@contextmanager
def running(path: Path, library: str) -> Generator[None, None, None]:
    """Turn whatever a foreign graph does to a library that runs it into a sentence.

    Raises:
        UnknownCheckpointError: if it does not give what a graph of its kind gives.
    """
    try:
        yield
    except LikenessError:
        raise
    except Exception as error:  # numbers of another shape reach code that does not expect them
        raise UnknownCheckpointError(
            f'The file "{path.name}" does not do what {library} expects of such a graph ({first_line(error)}); choose another file.'
        ) from error


def load_insightface(path: Path, wanted: list[str]) -> Any:
    """Load an ONNX file with insightface; a provider that fails is dropped for the CPU.

    Raises:
        MissingPackageError: if insightface cannot be imported.
        CorruptModelFileError: if the file cannot be loaded.
    """
    model_zoo = import_insightface()
    check_onnx(path)
    try:
        return model_zoo.get_model(str(path), providers=wanted)
    except Exception as error:  # every provider raises its own kind
        if wanted != [CPU]:
            logger.warning("%s cannot run on %s (%s); using the CPU", path.name, wanted[0], error)
            return load_insightface(path, [CPU])
        raise CorruptModelFileError(
            f'The file "{path.name}" cannot be loaded ({first_line(error)}); download it again.'
        ) from error
