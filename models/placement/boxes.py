"""Boxes and face landmarks of ComfyUI's own nodes as masks of people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from ..errors import InvalidSettingError
from .faces import head_and_shoulders
from .found import INSIDE

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
    height, width = (int(side) for side in given["image_size"])
    shares = torch.tensor([width, height, width, height])
    frames = [
        [torch.as_tensor(face["bbox_xyxy"], dtype=torch.float32).reshape(4) / shares for face in faces]
        for faces in given["frames"]
    ]
    return _masks(
        frames, (height, width), people, order, lambda box, cells: (head_and_shoulders(box, cells) > INSIDE).float()
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
    if not all(isinstance(each, int | float) and math.isfinite(each) for each in numbers):
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
    masks = torch.zeros(people, max(len(pictures), 1), *cells)
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
