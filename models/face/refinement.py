"""Truer points for the faces of another detector: MTCNN's last network looks at each of its boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..port.encoders import FaceDetector
from .mtcnn_networks import judge, lend_networks, networks_key, points
from .types import Detection

LEAST_SCORE = 0.7  # of O-Net, as published: below it sees no face in the box, and the detector's own points stay


@dataclass(frozen=True, slots=True)
class RefinedPoints:
    """A detector whose boxes and scores stay and whose five points are O-Net's; a `FaceDetector`.

    Attributes:
        detector: finds the faces.
    """

    detector: FaceDetector

    @property
    def key(self) -> str:
        """The detector's own with hashes of the networks."""
        return f"{self.detector.key} refined {networks_key()}"

    def at_size(self, size: int) -> RefinedPoints:
        """The same at another size, see `FaceDetector`."""
        return replace(self, detector=self.detector.at_size(size))

    def find(self, pictures: Sequence[np.ndarray]) -> Iterator[list[Detection]]:
        """The faces of one picture after another, in the detector's order.

        Args:
            pictures: (H, W, 3) uint8 RGB each.

        Raises:
            MissingPackageError: if mtcnn-runtime is not installed.
            LikenessError: whatever the detector raises.
        """
        for picture, found in zip(pictures, self.detector.find(pictures), strict=True):
            yield refine(picture, found) if found else found


def refine(picture: np.ndarray, found: Sequence[Detection]) -> list[Detection]:
    """The same faces with O-Net's points; a face that O-Net does not see keeps its own.

    Args:
        picture: (H, W, 3) uint8 RGB.
        found: faces in it.
    """
    with lend_networks() as networks:
        boxes, scores = judge(picture, np.stack([face.box for face in found]).astype(np.float64), networks.onet)
        seen = np.flatnonzero(scores >= LEAST_SCORE)
        five = dict(zip(seen.tolist(), points(picture, boxes[seen], networks.onet).astype(np.float32), strict=True))
    return [replace(face, points=five.get(place, face.points)) for place, face in enumerate(found)]
