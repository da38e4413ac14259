"""The square of a picture that is trained on, and where boxes, points and maps of the whole picture come to lie in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """A square as large as the picture allows, scaled to the training size.

    Attributes:
        size: side of the training picture, pixels.
        left: of the square in the picture, pixels.
        top: of the square in the picture, pixels.
        side: of the square in the picture, pixels.
        width: of the whole picture, pixels.
        height: of the whole picture, pixels.
    """

    size: int
    left: int
    top: int
    side: int
    width: int
    height: int

    @property
    def scale(self) -> float:
        """Training pixels per picture pixel."""
        return self.size / self.side

    @property
    def conditioning(self) -> tuple[int, int, int, int, int, int]:
        """What SDXL is told: (height, width) of the whole picture, (top, left) of the square after scaling, (size, size).

        Reference: SDXL (arXiv:2307.01952), section 2.2.
        """
        return (
            *(self.height, self.width),
            *(round(self.top * self.scale), round(self.left * self.scale)),
            *(self.size, self.size),
        )

    def points(self, points: np.ndarray) -> np.ndarray:
        """Points (P, 2) of the picture in training pixels; they may leave the square."""
        return (np.asarray(points, np.float32) - (self.left, self.top)) * np.float32(self.scale)

    def box(self, box: Box) -> Box:
        """A box of the picture in training pixels, cut at the edges of the square."""
        corners = self.points(np.array(box, np.float32).reshape(2, 2)).clip(0, self.size)
        x0, y0, x1, y1 = corners.reshape(4).tolist()
        return x0, y0, x1, y1

    def shares(self, box: Box) -> Box:
        """The same as shares of the square's side, 0–1."""
        x0, y0, x1, y1 = self.box(box)
        return x0 / self.size, y0 / self.size, x1 / self.size, y1 / self.size

    def shows(self, box: Box) -> bool:
        """Whether the middle of a box lies in the square."""
        x, y = (box[0] + box[2]) / 2 - self.left, (box[1] + box[3]) / 2 - self.top
        return 0 <= x < self.side and 0 <= y < self.side

    def picture(self, image: Image.Image) -> np.ndarray:
        """The square of a picture, (size, size, 3) uint8, Lanczos."""
        return np.array(image.resize((self.size, self.size), Image.Resampling.LANCZOS, box=self._edges))

    def map(self, values: np.ndarray) -> np.ndarray:
        """The square of a map (H, W) uint8, (size, size) uint8, nearest neighbours."""
        return np.array(
            Image.fromarray(values).resize((self.size, self.size), Image.Resampling.NEAREST, box=self._edges)
        )

    @property
    def _edges(self) -> Box:
        return self.left, self.top, self.left + self.side, self.top + self.side


def frame_faces(width: int, height: int, faces: list[Box], size: int) -> Frame:
    """The square in whose middle the faces lie, as far as the picture's edges allow.

    It depends on nothing but the row, so latents can be kept.

    Args:
        width: of the picture, pixels.
        height: of the picture, pixels.
        faces: boxes of all faces, pixels; without one the middle of the picture counts.
        size: side of the training picture, pixels.

    Returns:
        The frame.
    """
    side = min(width, height)
    x, y = width / 2, height / 2
    if faces:
        x0, y0, x1, y1 = np.array(faces).T
        x, y = float(x0.min() + x1.max()) / 2, float(y0.min() + y1.max()) / 2
    left = min(max(round(x - side / 2), 0), width - side)
    top = min(max(round(y - side / 2), 0), height - side)
    return Frame(size, left, top, side, width, height)
