"""What a file is, by what is in it, and what it goes with."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from ..clip.needs import ENCODERS
from ..errors import CorruptModelFileError, LikenessError, first_line
from ..weights.onnx_graph import Role, read_graph
from ..weights.reading import read_shapes
from ..weights.signatures import CLIP_VISION, known_files
from ..weights.state_dict import flatten, identify, summarise

GRAPHS: dict[Role, str] = {
    "scrfd": "a face detector of insightface's (SCRFD)",
    "yunet": "OpenCV's face detector YuNet",
    "arcface": "a face recogniser (ArcFace)",
    "sface": "OpenCV's face recogniser SFace",
}
FAMILIES = {768: "SD1.5", 1024: "SD2", 2048: "SDXL"}  # by the width of their text's rows

_seen: dict[tuple[str, int, int, str], Recognised] = {}
_lock = Lock()
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """What a file was taken for.

    Attributes:
        kind: a kind of `signatures.known_files`, or an ONNX graph's role; empty where it is nothing that the pack knows.
        description: what a message calls it, with its article.
        base: family of checkpoints that it is or goes with; empty where it goes with any or does not tell.
        encoder: the image encoder that it is or reads; empty where it is neither.
        fault: one sentence on why it cannot be used; empty where it is whole.
        damaged: whether it is empty, cut off, or no model file at all.
    """

    kind: str = ""
    description: str = ""
    base: str = ""
    encoder: str = ""
    fault: str = ""
    damaged: bool = False


def recognise(path: Path, called: str = "") -> Recognised:
    """Look into a file; what was seen is remembered until its size or time changes.

    Args:
        path: a file, which may be anything.
        called: the name that it is to have; empty for its own.
    """
    name = called or path.name
    try:
        state = path.stat()
    except OSError as error:
        return Recognised(fault=f'The file "{name}" cannot be read ({first_line(error)}).', damaged=True)
    key = (os.path.realpath(path), state.st_size, state.st_mtime_ns, name)
    with _lock:
        known = _seen.get(key)
    if known is None:
        known = _look(path, name)
        with _lock:
            _seen[key] = known
    return known


def _look(path: Path, name: str) -> Recognised:
    try:
        return _graph(path) if name.lower().endswith(".onnx") else _weights(path)
    except CorruptModelFileError as error:
        return Recognised(fault=str(error).replace(path.name, name), damaged=True)
    except LikenessError as error:
        return Recognised(fault=str(error).replace(path.name, name))
    except Exception as error:  # a file may be anything, and one that breaks a reader must not hide all others
        logger.info("%s could not be recognised", path, exc_info=True)
        return Recognised(fault=f'The file "{name}" cannot be read ({first_line(error)}).')


def _graph(path: Path) -> Recognised:
    role = read_graph(path).role
    if role == "other":
        return Recognised(description="an ONNX file that is neither face detector nor recogniser")
    return Recognised(kind=role, description=GRAPHS[role])


def _weights(path: Path) -> Recognised:
    shapes = flatten(read_shapes(path))
    found = identify(shapes, known_files())
    if found is None:
        return Recognised(description=f"weights that nobody here knows ({summarise(shapes)})")
    width = found.context.of(shapes) if found.context else None
    base = "" if width is None else FAMILIES.get(width, f"models whose text is {width} wide")
    encoder = ""
    if found.picture is not None:
        layer, place = found.picture
        seen = place.of(shapes)
        unknown = "" if found.kind == CLIP_VISION else f"an image encoder {seen} wide"
        encoder = "" if seen is None else ENCODERS.get((layer, seen), unknown)
    return Recognised(kind=found.kind, description=found.description, base=base, encoder=encoder)
