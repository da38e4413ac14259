"""Encoders that look into the store of encodings first.

Pictures are given to a network one at a time, so that what is stored depends on nothing but pixels and weights: not on which
other pictures were new, and so not on what somebody encoded before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ..face.types import Detection, Face
from ..port.encoders import FaceBackbone, FaceDetector, FaceParser, FaceRecogniser, ImageEncoder, LatentEncoder
from .encodings import ENCODINGS, EncodingKey, Encodings, pixels_hash


@dataclass(frozen=True, eq=False, slots=True)
class RememberedImageEncoder:
    """An `ImageEncoder` that encodes no picture twice."""

    encoder: ImageEncoder
    store: Encodings = field(default=ENCODINGS)

    @property
    def key(self) -> str:
        """The encoder's own."""
        return self.encoder.key

    @property
    def width(self) -> int:
        """The encoder's own."""
        return self.encoder.width

    def tokens(self, pixels: Tensor) -> Tensor:
        """Hidden states of pictures, see `ImageEncoder`."""
        found = [
            self.store.remember(
                EncodingKey(self.key, pixels_hash(one), "tokens"), lambda one=one: (self.encoder.tokens(one),)
            )[0]
            for one in pixels.split(1)
        ]
        return torch.cat(found)


@dataclass(frozen=True, eq=False, slots=True)
class RememberedBackbone:
    """A `FaceBackbone` that reads no face twice."""

    backbone: FaceBackbone
    store: Encodings = field(default=ENCODINGS)

    @property
    def key(self) -> str:
        """The backbone's own."""
        return self.backbone.key

    @property
    def channels(self) -> tuple[int, ...]:
        """The backbone's own."""
        return self.backbone.channels

    def maps(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """The tapped maps of aligned faces, see `FaceBackbone`."""
        found = [
            self.store.remember(
                EncodingKey(self.key, pixels_hash(one), "maps"), lambda one=one: self.backbone.maps(one)
            )
            for one in pixels.split(1)
        ]
        return tuple(torch.cat(level) for level in zip(*found, strict=True))


@dataclass(frozen=True, eq=False, slots=True)
class RememberedRecogniser:
    """A `FaceRecogniser` that describes no face twice."""

    recogniser: FaceRecogniser
    store: Encodings = field(default=ENCODINGS)

    @property
    def key(self) -> str:
        """The recogniser's own."""
        return self.recogniser.key

    @property
    def width(self) -> int:
        """The recogniser's own."""
        return self.recogniser.width

    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        """Vectors of faces, see `FaceRecogniser`."""
        found: list[Tensor] = []
        for face, picture in zip(faces, pictures, strict=True):
            key = EncodingKey(self.key, pixels_hash(picture), f"vector {pixels_hash(face.points)}")
            [vector] = self.store.remember(
                key, lambda face=face, picture=picture: (self.recogniser.vectors([face], [picture]),)
            )
            found.append(vector)
        return torch.cat(found)


@dataclass(frozen=True, eq=False, slots=True)
class RememberedDetector:
    """A `FaceDetector` that looks at no picture twice."""

    detector: FaceDetector
    store: Encodings = field(default=ENCODINGS)

    @property
    def key(self) -> str:
        """The detector's own."""
        return self.detector.key

    def at_size(self, size: int) -> RememberedDetector:
        """The same detector that looks at a square of another size, pixels."""
        return RememberedDetector(self.detector.at_size(size), self.store)

    def find(self, pictures: Sequence[np.ndarray]) -> Iterator[list[Detection]]:
        """The faces of one picture after another, see `FaceDetector`."""
        for picture in pictures:
            boxes, points, scores = self.store.remember(
                EncodingKey(self.key, pixels_hash(picture), "faces"), lambda picture=picture: self._look(picture)
            )
            yield [
                Detection(box, five, float(score))
                for box, five, score in zip(boxes.numpy().copy(), points.numpy().copy(), scores, strict=True)
            ]

    def _look(self, picture: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        [found] = self.detector.find([picture])
        boxes = np.array([face.box for face in found], np.float32).reshape(-1, 4)
        points = np.array([face.points for face in found], np.float32).reshape(-1, 5, 2)
        scores = torch.tensor([face.score for face in found], dtype=torch.float64)
        return torch.from_numpy(boxes), torch.from_numpy(points), scores


@dataclass(frozen=True, eq=False, slots=True)
class RememberedParser:
    """A `FaceParser` that parses no photo twice."""

    parser: FaceParser
    store: Encodings = field(default=ENCODINGS)

    @property
    def key(self) -> str:
        """The parser's own."""
        return self.parser.key

    def labels(self, picture: np.ndarray, size: int) -> np.ndarray:
        """The label map of one photo, see `FaceParser`."""
        key = EncodingKey(self.key, pixels_hash(picture), f"labels {size}")
        [labels] = self.store.remember(key, lambda: (torch.from_numpy(self.parser.labels(picture, size)),))
        return labels.numpy().copy()


@dataclass(frozen=True, eq=False, slots=True)
class RememberedLatents:
    """A `LatentEncoder` that encodes no picture twice."""

    encoder: LatentEncoder
    store: Encodings = field(default=ENCODINGS)

    @property
    def key(self) -> str:
        """The encoder's own."""
        return self.encoder.key

    def latents(self, pictures: Tensor) -> Tensor:
        """Latents of pictures, see `LatentEncoder`."""
        found = [
            self.store.remember(
                EncodingKey(self.key, pixels_hash(one), "latents"), lambda one=one: (self.encoder.latents(one),)
            )[0]
            for one in pictures.split(1)
        ]
        return torch.cat(found)
