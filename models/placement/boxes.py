"""Boxes and face landmarks of ComfyUI's own nodes as masks of people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from ..errors import InvalidSettingError
from .faces import head_and_shoulders
from .found import INSIDE

MOST_SIDE = 32_768  # pixels of a picture's side
MOST_CELLS = 1 << 28  # of all masks together, 1 GB
MOST_NUMBER = 1e9  # pixels; what NaN is not below either
CELL = 8  # pixels of a cell of the masks, as of a latent
BoxOrder = Literal["left to right", "as given"]
SIDES = ("x", "y", "width", "height")
FORMS = "a box, a list of boxes or a list of them for each picture, each box with x, y, width and height in pixels"

Size = tuple[int, int]  # (H, W), pixels


def masks_of_boxes(
    given: object, size: Size, people: int, order: BoxOrder = "left to right"
) -> tuple[Tensor | None, ...]:
    """A mask for each person of boxes (BOUNDING_BOX of RT-DETR, SAM3, SDPose, the box editor and others).

    Args:
        given: a dict, a list of dicts, or a list of lists of dicts, one for each picture; x, y, width and height are pixels.
        size: of the picture whose pixels these are.
        people: N who get one; the largest boxes of each picture count.
        order: whose box is which.

    Returns:
        N masks, (M, h, w) float32, 0–1, a cell for 8×8 pixels and the share of it that lies inside; None for those who have no box
        in any picture.

    Raises:
        InvalidSettingError: if the boxes are no such thing, or hold NaN.
    """
    per_picture = [[_read_box(box, size) for box in boxes] for boxes in _by_picture(given)]
    return _masks(per_picture, size, people, order, _rectangle)


def masks_of_landmarks(given: object, people: int, order: BoxOrder = "left to right") -> tuple[Tensor | None, ...]:
    """A mask of head and shoulders for each person of face landmarks (FACE_LANDMARKS of MediaPipe).

    Args:
        given: a dict with "frames", for each picture a list of faces with "bbox_xyxy", and "image_size" (H, W), pixels.
        people, order: see `masks_of_boxes`.

    Returns:
        As `masks_of_boxes`.

    Raises:
        InvalidSettingError: if it is no such thing.
    """
    if not isinstance(given, Mapping) or "frames" not in given or "image_size" not in given:
        raise InvalidSettingError(
            f"landmarks are {_shown(given)}, which are no FACE_LANDMARKS; connect the landmarks of MediaPipe Face Landmarker."
        )
    height, width = _read_size(given["image_size"])
    shares = torch.tensor([width, height, width, height])
    frames = [[_read_edges(face) / shares for face in _read_list(faces)] for faces in _read_list(given["frames"])]
    return _masks(
        frames, (height, width), people, order, lambda box, cells: (head_and_shoulders(box, cells) > INSIDE).float()
    )


def _read_size(given: object) -> Size:
    """Height and width, pixels."""
    sides = _read_numbers(given, 2)
    if sides is None or not all(1 <= side <= MOST_SIDE for side in sides):
        raise _no_landmarks("image_size", given)
    return int(sides[0]), int(sides[1])


def _read_edges(face: object) -> Tensor:
    """Left, top, right, bottom of a face, (4,) pixels."""
    edges = _read_numbers(face.get("bbox_xyxy") if isinstance(face, Mapping) else None, 4)
    if edges is None:
        raise _no_landmarks("a face", face)
    return torch.tensor(edges)


def _read_numbers(given: object, count: int) -> list[float] | None:
    """So many numbers of a list, an array or a tensor; None where it is something else."""
    values = given.reshape(-1).tolist() if isinstance(given, np.ndarray | Tensor) else given
    if not isinstance(values, list | tuple) or len(values) != count or not all(map(_is_number, values)):
        return None
    return [float(value) for value in values]


def _read_list(given: object) -> Sequence[object]:
    if not isinstance(given, list | tuple):
        raise _no_landmarks("frames", given)
    return given


def _is_number(given: object) -> bool:
    """Whether something is a number that a float can be."""
    return isinstance(given, int | float | np.integer | np.floating) and bool(abs(given) <= MOST_NUMBER)


def _no_landmarks(what: str, given: object) -> InvalidSettingError:
    return InvalidSettingError(
        f"In the landmarks {what} is {_shown(given)}, which no face detector writes; connect the landmarks of MediaPipe Face Landmarker."
    )


def size_of_boxes(width: int, height: int, image: Tensor | None) -> Size:
    """The size of the picture whose pixels boxes are.

    Args:
        width, height: as written; 0 where nothing is.
        image: a picture of it, (B, H, W, C); counts first.

    Raises:
        InvalidSettingError: if neither says it.
    """
    if image is not None:
        return image.shape[1], image.shape[2]
    if width > 0 and height > 0:
        return height, width
    raise InvalidSettingError(
        "Boxes are pixels of a picture, and nothing says how large it is; connect image to Place People, or write its width and "
        "height there."
    )


def _by_picture(given: object) -> list[Sequence[object]]:
    """Boxes by picture, of any of the three forms."""
    if isinstance(given, Mapping):
        return [[given]]
    if not isinstance(given, list | tuple):
        raise InvalidSettingError(f"boxes are {_shown(given)}; connect {FORMS}.")
    if all(isinstance(each, list | tuple) for each in given) and given:
        return [list(each) for each in given]  # type: ignore[arg-type]
    return [list(given)]


def _read_box(box: object, size: Size) -> Tensor:
    """Left, top, right, bottom as shares of the picture, (4,)."""
    if not isinstance(box, Mapping) or not all(side in box for side in SIDES):
        raise InvalidSettingError(f"One of the boxes is {_shown(box)}; connect {FORMS}.")
    numbers = [box[side] for side in SIDES]
    if not all(map(_is_number, numbers)):
        raise InvalidSettingError(f"One of the boxes is {_shown(box)}, which is no box of numbers; connect {FORMS}.")
    x, y, width, height = map(float, numbers)
    full_height, full_width = size
    edges = torch.tensor([x / full_width, y / full_height, (x + width) / full_width, (y + height) / full_height])
    return edges.clamp(0, 1)


def _masks(
    pictures: Sequence[Sequence[Tensor]], size: Size, people: int, order: BoxOrder, draw: Any
) -> tuple[Tensor | None, ...]:
    """What is drawn of each person's box, picture by picture."""
    cells = (max(1, math.ceil(size[0] / CELL)), max(1, math.ceil(size[1] / CELL)))
    count = max(len(pictures), 1)
    if people * count * math.prod(cells) > MOST_CELLS:
        raise InvalidSettingError(
            f"Boxes in {count} pictures of {size[1]}×{size[0]} pixels for {people} people are too many to make masks of; give fewer or "
            "smaller pictures."
        )
    masks = torch.zeros(people, count, *cells)
    for number, boxes in enumerate(pictures):
        for person, box in enumerate(_chosen(boxes, people, order)):
            masks[person, number] = draw(box, cells)
    return tuple(mask if mask.any() else None for mask in masks)


def _chosen(boxes: Sequence[Tensor], people: int, order: BoxOrder) -> list[Tensor]:
    """The boxes of a picture by person, at most as many as people."""
    there = [box for box in boxes if box[2] > box[0] and box[3] > box[1]]
    if order == "as given":
        return there[:people]
    by_area = sorted(there, key=lambda box: float((box[2] - box[0]) * (box[3] - box[1])), reverse=True)
    return sorted(by_area[:people], key=lambda box: float(box[0] + box[2]))


def _rectangle(box: Tensor, cells: tuple[int, int]) -> Tensor:
    """The share of every cell that lies inside a box, (h, w)."""
    left, top, right, bottom = box.tolist()
    return _overlap(top, bottom, cells[0])[:, None] * _overlap(left, right, cells[1])[None]


def _overlap(start: float, end: float, cells: int) -> Tensor:
    first = torch.arange(cells)
    return (torch.clamp(first + 1, max=end * cells) - torch.clamp(first, min=start * cells)).clamp(0, 1)


def _shown(given: object) -> str:
    """A value in a message, short."""
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:57]}..."
