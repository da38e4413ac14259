"""The three small networks of MTCNN, which the package mtcnn-runtime carries (Apache-2.0): no file to look for.

Reference: Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks", 2016
(arXiv:1604.02878). How to detect with them is written anew; of the package only its graphs are used.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import MissingPackageError
from ..packages import import_package
from ..weights.fingerprint import of_file
from .alignment import opencv
from .sessions import CPU, SESSIONS, load_graph

SIDE = 48  # pixels; the window that O-Net looks at
MIDDLE, SPREAD = 127.5, 128.0  # grey values 0–255 as the networks want them
MIRRORED = [1, 0, 2, 4, 3]  # the five points of a mirrored face
AGAIN = "install it again with: pip install --force-reinstall --no-deps mtcnn-runtime"

Run = Callable[[np.ndarray], list[np.ndarray]]


class Networks(NamedTuple):
    """The three networks; each takes (N, 3, S, S) float32, RGB, normalised.

    Attributes:
        pnet: N = 1, any height and width; gives moves of boxes (1, 4, ·, ·) and scores (1, 2, ·, ·).
        rnet: S = 24; gives moves (N, 4) and scores (N, 2).
        onet: S = 48; gives points (N, 10; five x, five y), moves and scores.
    """

    pnet: Run
    rnet: Run
    onet: Run


def require_mtcnn(purpose: str = "The face detector MTCNN", otherwise: str = "") -> Path:
    """The folder of the three graphs.

    Args:
        purpose: who needs them, the beginning of the message.
        otherwise: what else a user can do, the end of the message.

    Raises:
        MissingPackageError: if the package, or one that it needs, is missing, or its graphs are gone.
    """
    package = import_package("mtcnnruntime", "MTCNN", purpose=purpose, otherwise=otherwise)
    folder = Path(str(package.__file__)).parent / "weights"
    gone = [f"{name}.onnx" for name in Networks._fields if not (folder / f"{name}.onnx").is_file()]
    if gone:
        raise MissingPackageError(
            f"{purpose} needs the package mtcnn-runtime, in whose folder {folder} there is no {' and no '.join(gone)}; {AGAIN}"
            f"{', ' if otherwise else ''}{otherwise}",
            name="mtcnnruntime",
        )
    return folder


def networks_key() -> str:
    """Hashes of the three graphs; raises as `require_mtcnn`."""
    folder = require_mtcnn()
    return " ".join(of_file(folder / f"{name}.onnx") for name in Networks._fields)


def lend_networks() -> AbstractContextManager[Networks]:
    """The networks for the length of a `with`, loaded once for all that use them.

    Raises:
        MissingPackageError: see `require_mtcnn`.
        CorruptModelFileError: if one of the graphs cannot be loaded.
    """
    folder = require_mtcnn()

    def load() -> Networks:
        return Networks(*(_load(folder / f"{name}.onnx") for name in Networks._fields))

    return SESSIONS.lend(folder / "onet.onnx", CPU, load)


def squares(boxes: np.ndarray) -> np.ndarray:
    """The squares around the middles of boxes (N, 4), as long as their longer sides, on whole pixels."""
    middle, side = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).max(1, keepdims=True)
    corner = np.round(middle - side / 2)
    return np.concatenate((corner, corner + np.maximum(np.round(side), 1)), 1)


def moved(boxes: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Boxes (N, 4) with each side moved by a share (N, 4) of the box's width or height."""
    return boxes + moves * np.tile(boxes[:, 2:] - boxes[:, :2], 2)


def cut_windows(picture: np.ndarray, boxes: np.ndarray, side: int) -> np.ndarray:
    """Windows of a picture as a network wants them.

    Args:
        picture: (H, W, 3) uint8 RGB.
        boxes: (N, 4) whole pixels; what lies outside the picture is black.
        side: of the windows, pixels.

    Returns:
        (N, 3, side, side) float32, normalised.
    """
    cv2 = opencv()
    height, width = picture.shape[:2]
    windows = np.zeros((len(boxes), side, side, 3), np.uint8)
    for window, (x0, y0, x1, y1) in zip(windows, boxes.astype(int).tolist(), strict=True):
        left, right = (min(max(x, 0), width) for x in (x0, x1))
        top, bottom = (min(max(y, 0), height) for y in (y0, y1))
        whole = np.zeros((y1 - y0, x1 - x0, 3), np.uint8)
        whole[top - y0 : bottom - y0, left - x0 : right - x0] = picture[top:bottom, left:right]
        window[:] = cv2.resize(whole, (side, side), interpolation=cv2.INTER_AREA)
    return normalised(windows)


def normalised(pictures: np.ndarray) -> np.ndarray:
    """(N, H, W, 3) uint8 → (N, 3, H, W) float32, -1–1."""
    return np.ascontiguousarray(((pictures.astype(np.float32) - MIDDLE) / SPREAD).transpose(0, 3, 1, 2))


def judge(picture: np.ndarray, boxes: np.ndarray, onet: Run) -> tuple[np.ndarray, np.ndarray]:
    """What O-Net says of boxes: the faces' own boxes (N, 4), pixels, and how sure it is (N,), 0–1; `boxes` as `points`."""
    if not len(boxes):
        return np.zeros((0, 4)), np.zeros(0)
    windows = squares(boxes)
    _, moves, scores = onet(cut_windows(picture, windows, SIDE))
    return moved(windows, moves), scores[:, 1].astype(np.float64)


def points(picture: np.ndarray, boxes: np.ndarray, onet: Run) -> np.ndarray:
    """The five points of faces: the mean of what O-Net says of each and of its mirror image, which halves the noise.

    Args:
        picture: (H, W, 3) uint8 RGB.
        boxes: (N, 4) float64, x0 y0 x1 y1 of the faces in pixels; may leave the picture.
        onet: the network.

    Returns:
        (N, 5, 2) float64, pixels, in the order of `Detection`.
    """
    if not len(boxes):
        return np.zeros((0, 5, 2))
    corners = squares(boxes)
    windows = cut_windows(picture, corners, SIDE)
    both = onet(np.concatenate((windows, windows[..., ::-1])))[0].reshape(2, -1, 2, 5).transpose(0, 1, 3, 2)
    turned_back = both[1][:, MIRRORED] * (-1, 1) + (1, 0)
    side = corners[:, None, 2:] - corners[:, None, :2]
    return corners[:, None, :2] + (both[0] + turned_back) / 2 * side


def _load(path: Path) -> Run:
    session = load_graph(path, purpose="The face detector MTCNN", of=" of the package mtcnn-runtime", again=AGAIN)
    [given] = session.get_inputs()
    return lambda pictures: session.run(None, {given.name: pictures})
