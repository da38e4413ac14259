"""What the data set hands on: one picture to train on, and the people in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

P = TypeVar("P")


@dataclass(frozen=True, eq=False, slots=True)
class Crop:
    """A face crop that a person is encoded from.

    Attributes:
        key: name for its features in a cache; None for a crop that never comes back.
        pixels: (224, 224, 3) uint8 RGB, 112 a side for a recogniser; None where the cache knows the key.
    """

    key: str | None
    pixels: np.ndarray | None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ShownPerson:
    """One person in a training picture.

    Attributes:
        box: the face: left, top, right, bottom as shares of the training picture, 0–1.
        points: five points of the face as shares of the training picture, (5, 2) float32; they may leave 0–1.
        structure: what the structure branch sees: the face in this very picture.
        intrinsic: what the intrinsic branch sees: the same crop, or with `swap_identity` another one of the person.
        parse: class of every pixel of the training picture, (size, size) uint8, or None.
    """

    box: tuple[float, float, float, float]
    points: np.ndarray
    structure: Crop
    intrinsic: Crop
    parse: np.ndarray | None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Example(Generic[P]):
    """One picture to train on.

    Attributes:
        position: in the run, counted over all processes.
        row_id: which row of the manifest.
        key: name for its latents in a cache; another size or frame gives another name.
        pixels: (size, size, 3) uint8 RGB, or None where the cache knows the key.
        caption: what the picture shows.
        facial_caption: what the faces look like, or None.
        sizes: height and width of the whole picture, top and left of the frame, height and width of the frame, pixels.
        people: those with face points whose face the frame shows, in the order of the row; P is what the method knows of one.
        passed_over: what was wrong with rows that stood at this position and could not be read.
    """

    position: int
    row_id: str
    key: str
    pixels: np.ndarray | None
    caption: str
    facial_caption: str | None
    sizes: tuple[int, int, int, int, int, int]
    people: tuple[P, ...]
    passed_over: tuple[str, ...]
