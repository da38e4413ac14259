"""`POST /likeness/faces`: where the faces of a photo are, for the page, before anything runs.

Only detectors on onnxruntime or OpenCV look, or a copy of the miniature's on the CPU, in one thread of their own: a run and the
server's event loop go on as if nobody had asked.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import folder_paths
import numpy as np
from PIL import Image, ImageOps

from ..models.errors import BadImageError, InvalidSettingError, LikenessError, first_line
from ..models.face.types import Detection
from ..models.miniature.files import FACES, read_face_networks
from ..models.miniature.finder import FaceFinder, FinderDetector
from ..models.port.encoders import FaceDetector
from ..models.records.photos import photo_record
from .encoders.detector import DRAWN, SEARCHING, DetectorChoice, choose_detector
from .routes import Route

MOST_BYTES = 20_000  # of a question
MOST_LETTERS = 4096  # of a photo's name
MOST_PIXELS = 20_000_000
SECONDS = 10.0
MOST_REMEMBERED = 256  # photos

Key = tuple[str, int, int, str, float]


class FaceLook:
    """Looks for faces in photos of ComfyUI's input folder, one photo after another, and remembers what it saw.

    Args:
        seconds: how long a question waits.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._remembered: OrderedDict[Key, dict[str, Any]] = OrderedDict()  # touched by the worker only
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="likeness-faces")

    async def answer(self, said: Any) -> dict[str, Any]:
        """What the page is told: `models.records.photos.photo_record` and "error", a sentence or None.

        Args:
            said: {"image": as Load Image names it, "detector": name, "min_score": 0–1}; the last two may be missing.
        """
        work = asyncio.get_running_loop().run_in_executor(self._worker, self._look, said)
        try:
            return await asyncio.wait_for(work, self.seconds)
        except asyncio.TimeoutError:
            return _refused(
                f"Looking for faces took longer than {self.seconds:g} seconds; run the graph once, or say where the face is."
            )

    def _look(self, said: Any) -> dict[str, Any]:
        try:
            name, detector, min_score = _question(said)
            path = input_file(name)
            state = path.stat()
            key = (str(path), state.st_mtime_ns, state.st_size, detector, min_score)
            if key not in self._remembered:
                self._remembered[key] = _found(path, _detector(detector, min_score))
            self._remembered.move_to_end(key)
            while len(self._remembered) > MOST_REMEMBERED:
                self._remembered.popitem(last=False)
            return self._remembered[key]
        except LikenessError as error:
            return _refused(str(error))
        except Exception as error:  # a detector's package raises its own kinds
            return _refused(f"The faces could not be looked for ({first_line(error)}); run the graph once.")


def input_file(name: str) -> Path:
    """The file of a photo in ComfyUI's input folder or below it.

    Args:
        name: as Load Image has it, "folder/photo.png" or "photo.png [input]".

    Raises:
        BadImageError: if it is elsewhere, also by a link, or not there.
    """
    shown = name if len(name) <= 80 else name[:79] + "…"
    bare = name.removesuffix(" [input]")
    is_elsewhere = bare.endswith((" [output]", " [temp]")) or "\0" in bare or len(bare) > MOST_LETTERS
    parts = bare.replace("\\", "/").split("/")
    if is_elsewhere or os.path.isabs(bare) or ".." in parts or ":" in parts[0]:
        raise BadImageError(
            f'"{shown}" is not in ComfyUI\'s input folder, and only photos there are looked at before a run; load the photo '
            "into that folder, or run the graph once."
        )
    folder = Path(os.path.realpath(folder_paths.get_input_directory()))
    path = Path(os.path.realpath(folder / bare))
    if not path.is_relative_to(folder):
        raise BadImageError(
            f'"{shown}" is a link that leaves ComfyUI\'s input folder; copy the photo into it, or run the graph once.'
        )
    if not path.is_file():
        raise BadImageError(f'"{shown}" is not in ComfyUI\'s input folder; choose another photo in Load Image.')
    return path


def read_photo(path: Path) -> np.ndarray:
    """The first picture of a file, turned as Load Image turns it, (H, W, 3) uint8 RGB.

    Raises:
        BadImageError: if it is no picture, or one of more than 20 megapixels; those are not decoded.
    """
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            if width * height > MOST_PIXELS:
                raise BadImageError(
                    f'"{path.name}" has {width}×{height} pixels, and before a run only photos of up to '
                    f"{MOST_PIXELS // 1_000_000} megapixels are looked at; run the graph once, or reduce the photo."
                )
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except BadImageError:
        raise
    except Exception as error:  # every format raises its own kinds
        raise BadImageError(
            f'"{path.name}" cannot be read as a picture ({first_line(error)}); choose another photo.'
        ) from error


def _question(said: Any) -> tuple[str, DetectorChoice, float]:
    """The photo's name, the detector and its lowest score."""
    question: Mapping[str, Any] = cast("Mapping[str, Any]", said) if isinstance(said, Mapping) else {}
    name, detector, min_score = question.get("image"), question.get("detector", "auto"), question.get("min_score", 0.5)
    if not isinstance(name, str) or not name:
        raise InvalidSettingError('The question names no photo; send {"image": the name that Load Image has}.')
    if detector not in SEARCHING:
        raise InvalidSettingError(f"The detector must look for faces by itself; choose one of: {', '.join(SEARCHING)}.")
    if isinstance(min_score, bool) or not isinstance(min_score, int | float) or not 0 <= min_score <= 1:
        raise InvalidSettingError("min_score must be a number from 0 to 1.")
    return name, detector, float(min_score)


def _detector(choice: DetectorChoice, min_score: float) -> FaceDetector:
    """A detector that does without ComfyUI's memory management."""
    if choice == DRAWN:
        return FinderDetector(_finder(), min_score)
    return choose_detector(choice, min_score=min_score, remembers=False)


@lru_cache(1)
def _finder() -> FaceFinder:
    return read_face_networks(FACES).finder


def _found(path: Path, detector: FaceDetector) -> dict[str, Any]:
    picture = read_photo(path)
    found: list[Detection] = next(iter(detector.find([picture])))
    return {**photo_record((picture.shape[0], picture.shape[1]), found), "error": None}


def _refused(sentence: str) -> dict[str, Any]:
    return {"width": 0, "height": 0, "faces": [], "error": sentence}


async def _answer(request: Any) -> Any:
    from aiohttp import web

    length = request.content_length
    if length is None or length > MOST_BYTES:
        return web.json_response(_refused("The question is too long; send the name of one photo."), status=413)
    try:
        said = await request.json()
    except ValueError:
        said = None
    return web.json_response(await LOOK.answer(said))


LOOK = FaceLook()
ROUTES = (Route("POST", "/likeness/faces", _answer),)
