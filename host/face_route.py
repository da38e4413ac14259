"""What ComfyUI's page asks before anything has run: where the faces of a photo are.

It only detects, on the CPU or where a detector of onnxruntime lives, in one thread of its own: ComfyUI's server goes on answering,
and its management of models is not touched.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import folder_paths
import numpy as np
from PIL import Image, ImageOps

from ..models.errors import BadImageError, InvalidSettingError, LikenessError
from ..models.face.facts import detection_facts
from ..models.miniature.files import FACES, read_face_networks
from ..models.miniature.finder import FinderDetector
from ..models.port.encoders import FaceDetector
from ..models.records.legend import hex_of
from .encoders.detector import CHOICES, DRAWN, choose_detector
from .files import load_once
from .routes import Route

PLACE, COLOURS = "/likeness/faces", "/likeness/colours"
MOST_BYTES = 65_536  # of a request's body
MOST_PIXELS = 20_000_000
SECONDS = 10.0
MOST_REMEMBERED = 256
MOST_COLOURS = 64

logger = logging.getLogger(__name__)
_worker = ThreadPoolExecutor(1, "likeness-faces")
_lock = threading.Lock()  # of what is remembered
_remembered: OrderedDict[tuple[Any, ...], dict[str, Any]] = OrderedDict()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A question of the page.

    Attributes:
        image: name of a picture in the input folder, as Load Image has it.
        detector: name of the detector, as the widget has it.
        region: for "given region".
        min_score: lowest score that counts, 0–1.

    Raises:
        InvalidSettingError: if one of them is of another kind.
    """

    image: str
    detector: str = "auto"
    region: str = ""
    min_score: float = 0.5

    def __post_init__(self) -> None:
        texts = (self.image, self.detector, self.region)
        if not all(isinstance(text, str) for text in texts) or type(self.min_score) not in (int, float):
            raise InvalidSettingError("The page asked for faces in a way that is not known; reload the page.")
        if self.detector not in CHOICES:
            raise InvalidSettingError(f'detector is "{self.detector[:80]}"; choose one of: {", ".join(CHOICES)}.')


async def _answer_colours(_: Any) -> Any:
    return _response([hex_of(place) for place in range(MOST_COLOURS)], 200)


async def _answer_faces(request: Any) -> Any:
    try:
        return _response(await asked(await request.content.read(MOST_BYTES + 1)), 200)
    except LikenessError as error:
        return _response({"error": str(error)}, 400)


async def asked(body: bytes) -> dict[str, Any]:
    """Answer a request: `faces` as in `models.face.facts.detection_facts`, `width` and `height` of the picture, pixels.

    Args:
        body: a JSON object with the attributes of `Wanted`.

    Raises:
        LikenessError: one sentence for the user.
    """
    wanted = _read(body)
    loop = asyncio.get_running_loop()
    try:
        return await asyncio.wait_for(loop.run_in_executor(_worker, find, wanted), SECONDS)
    except asyncio.TimeoutError as error:
        raise InvalidSettingError(
            f'Looking for faces in "{wanted.image[:200]}" took more than {SECONDS:.0f} s; run once to see them.'
        ) from error
    except LikenessError:
        raise
    except Exception as error:
        logger.exception("Looking for faces in %r failed", wanted.image[:200])
        raise BadImageError(
            f'Looking for faces in "{wanted.image[:200]}" failed ({type(error).__name__}); run once, or use another photo.'
        ) from error


def find(wanted: Wanted) -> dict[str, Any]:
    """The faces of one picture, remembered until the picture or the question changes.

    Raises:
        LikenessError: if there is no such picture, or whatever the detector says.
    """
    path = input_file(wanted.image)
    stat = path.stat()
    key = (str(path), stat.st_mtime_ns, stat.st_size, wanted.detector, wanted.region, wanted.min_score)
    with _lock:
        if key in _remembered:
            _remembered.move_to_end(key)
            return _remembered[key]
    picture = read_picture(path)
    [found] = _detector(wanted).find([picture])
    height, width = picture.shape[:2]
    answer = {"faces": detection_facts(found, (height, width)), "width": width, "height": height}
    with _lock:
        _remembered[key] = answer
        while len(_remembered) > MOST_REMEMBERED:
            _remembered.popitem(last=False)
    return answer


def input_file(name: str) -> Path:
    """A picture of ComfyUI's input folder, or of a folder in it.

    Args:
        name: as Load Image has it: below the input folder, perhaps with " [input]" behind.

    Raises:
        InvalidSettingError: if it lies elsewhere, or is not there.
    """
    shown = name[:200]
    inner = name.removesuffix(" [input]")
    folder = os.path.realpath(folder_paths.get_input_directory())
    path = folder
    try:
        path = os.path.realpath(os.path.join(folder, inner))
        is_inside = os.path.commonpath((folder, path)) == folder and path != folder
        is_there = is_inside and os.path.isfile(path)
    except (ValueError, OSError):  # a NUL, another drive, a name that is too long
        is_inside = is_there = False
    if inner.endswith(("[output]", "[temp]")) or not is_inside:
        raise InvalidSettingError(
            f'"{shown}" is not in the input folder, so its faces are only known after a run; run once.'
        )
    if not is_there:
        raise InvalidSettingError(f'"{shown}" is not in the input folder; choose or upload a photo in Load Image.')
    return Path(path)


def read_picture(path: Path) -> np.ndarray:
    """A picture as Load Image reads it, turned as the camera noted: (H, W, 3) uint8 RGB, the first where there are several.

    Raises:
        BadImageError: if it is no picture, or has more than 20 megapixels.
    """
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            if width * height > MOST_PIXELS:
                raise BadImageError(
                    f'"{path.name}" has {width}×{height} pixels; before a run faces are looked for in up to '
                    f"{MOST_PIXELS // 10**6} megapixels, so run once, or make it smaller."
                )
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except BadImageError:
        raise
    except Exception as error:  # Pillow raises many kinds
        raise BadImageError(
            f'"{path.name}" cannot be read as a picture; choose another photo in Load Image.'
        ) from error


def _detector(wanted: Wanted) -> FaceDetector:
    if wanted.detector == DRAWN:
        finder = load_once(FACES, "finder of the page", lambda: read_face_networks(FACES).finder.eval())
        return FinderDetector(finder, wanted.min_score)
    choice: Any = wanted.detector
    return choose_detector(choice, region=wanted.region, min_score=wanted.min_score)


def _read(body: bytes) -> Wanted:
    try:
        sent = None if len(body) > MOST_BYTES else json.loads(body)
        return Wanted(**sent)  # type: ignore[arg-type] - checked there
    except (ValueError, TypeError, RecursionError) as error:
        if isinstance(error, LikenessError):
            raise
        raise InvalidSettingError("The page asked for faces in a way that is not known; reload the page.") from error


def _response(data: Any, status: int) -> Any:
    from aiohttp import web

    return web.json_response(data, status=status)


ROUTES = (Route("POST", PLACE, _answer_faces), Route("GET", COLOURS, _answer_colours))
