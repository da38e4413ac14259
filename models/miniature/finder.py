"""The miniature's face detector: drawn faces, their boxes and five points, in pictures of any size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..face.looking import look_twice
from ..face.types import Detection
from ..images.layout import images_from_arrays
from ..weights.fingerprint import fingerprint

GROUPS = 8
SIDE = 128  # pixels; longest side of what the network sees
CELL = 8  # pixels of it that are one cell
VALUES = 15  # of a cell: logit, box x0 y0 x1 y1, five points x y; lengths in cells from the cell's middle
OVERLAP = 0.3  # of two boxes, intersection over union; the less sure one is dropped
LEVELS = (32, 48, 64)


def normed_convolution(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Return a 3×3 convolution, a group norm and SiLU: (B, inputs, h, w) to (B, outputs, h/stride, w/stride)."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1), nn.GroupNorm(GROUPS, outputs), nn.SiLU()
    )


class FaceFinder(nn.Module):
    """A small network that says for every cell of a picture whether a face has its middle there, and where it is."""

    def __init__(self) -> None:
        super().__init__()
        fine, middle, coarse = LEVELS
        self.stem = nn.Sequential(
            nn.PixelUnshuffle(4), normed_convolution(48, fine, 1), normed_convolution(fine, middle, 2)
        )
        self.down = nn.Sequential(
            normed_convolution(middle, coarse, 2),
            normed_convolution(coarse, coarse, 1),
            normed_convolution(coarse, coarse, 2),
        )
        self.deep = nn.Sequential(
            *(normed_convolution(coarse, coarse, 1) for _ in range(2)), nn.Upsample(scale_factor=4)
        )
        self.head = nn.Sequential(normed_convolution(middle + coarse, coarse, 1), nn.Conv2d(coarse, VALUES, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        """Return what every cell says.

        Args:
            pixels: (B, 3, H, W), 0–1; sides are multiples of 32.

        Returns:
            (B, 15, H/8, W/8): a logit, then lengths in cells.
        """
        fine = self.stem(pixels * 2 - 1)
        return self.head(torch.cat((fine, self.deep(self.down(fine))), 1))


@dataclass(frozen=True, eq=False, slots=True)
class FinderDetector:
    """A finder that runs where it is; a `FaceDetector`.

    Attributes:
        finder: the network.
        min_score: lowest score that counts, 0–1.
    """

    finder: FaceFinder
    min_score: float = 0.5

    @property
    def key(self) -> str:
        """Hash of the weights with all that decides what is found."""
        return f"drawn faces {fingerprint(self.finder)} {self.min_score}"

    def at_size(self, size: int) -> FinderDetector:
        """Itself: it looks at one size."""
        del size
        return self

    def find(self, pictures: Sequence[np.ndarray]) -> Iterator[list[Detection]]:
        """The faces of one picture after another, the surest first."""
        return (look_twice(picture, lambda seen: find_faces(self.finder, seen, self.min_score)) for picture in pictures)


@torch.no_grad()
def find_faces(finder: FaceFinder, picture: np.ndarray, min_score: float) -> list[Detection]:
    """Find the faces of a picture, the surest first.

    Args:
        finder: the network; runs where it is.
        picture: (H, W, 3) uint8 RGB.
        min_score: 0–1.
    """
    height, width = picture.shape[:2]
    size = tuple(max(round(side * SIDE / max(height, width)), 1) for side in (height, width))
    scale = torch.tensor([size[1] / width, size[0] / height])  # rounded apart
    pixels = images_from_arrays([picture]).permute(0, 3, 1, 2).to(next(finder.parameters()))
    small = functional.interpolate(pixels, size=size, mode="bilinear", antialias=True, align_corners=False)
    seen = functional.pad(small, (0, SIDE - size[1], 0, SIDE - size[0]))
    scores, lengths = read_cells(finder(seen))
    found: list[Detection] = []
    order = scores[0].argsort(descending=True)
    for place in order[scores[0][order] >= min_score].tolist():
        box, points = (lengths[0, place].cpu().unflatten(0, (7, 2)) / scale).flatten().split((4, 10))
        if all(_overlap(box, torch.from_numpy(other.box)) < OVERLAP for other in found):
            half = 0.5  # detectors count from the middle of the first pixel, boxes from its edge
            found.append(Detection(box.numpy(), points.view(5, 2).numpy() - half, float(scores[0, place])))
    return found


def read_cells(said: Tensor) -> tuple[Tensor, Tensor]:
    """Return what a network said as scores and pixels.

    Args:
        said: (B, 15, h, w).

    Returns:
        Scores (B, h·w), 0–1, and boxes and points (B, h·w, 14) in pixels of the network's picture.
    """
    rows, columns = said.shape[-2:]
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    middles = torch.stack((x, y), -1).reshape(1, -1, 1, 2).to(said) + 0.5
    values = said.flatten(2).transpose(1, 2)
    lengths = values[..., 1:].unflatten(-1, (7, 2))
    return values[..., 0].sigmoid(), ((lengths + middles) * CELL).flatten(2)


def _overlap(box: Tensor, other: Tensor) -> float:
    """Return the intersection over union of two boxes."""
    both = (torch.minimum(box[2:], other[2:]) - torch.maximum(box[:2], other[:2])).clamp(min=0).prod()
    areas = (box[2:] - box[:2]).prod() + (other[2:] - other[:2]).prod()
    return float(both / (areas - both))
