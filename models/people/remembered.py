"""Encoders that look at nothing twice: each keeps what it said in the store of encodings.

Pictures are given to a network one at a time, so that what is stored depends on nothing but pixels and weights: not on which
other pictures were new, and so not on what somebody encoded before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ..face.types import Detection, Face
from ..port.encoders import (
    FaceBackbone,
    FaceDetector,
    FaceParser,
    FaceRecogniser,
    ImageEmbedder,
    ImageEncoder,
    LatentEncoder,
)
from .encodings import ENCODINGS, EncodingKey, Encodings, pixels_hash, said


def _by_picture(
    store: Encodings, encoder: str, pictures: Tensor, output: str, encode: Callable[[Tensor], tuple[Tensor, ...]]
) -> tuple[Tensor, ...]:
    """What an encoder of this key says of pictures (B, …), one at a time; each of its outputs is (B, …)."""
    found = [
        said(store, EncodingKey(encoder, pixels_hash(one), output), lambda one=one: encode(one))
        for one in pictures.split(1)
    ]
    return tuple(torch.cat(each) for each in zip(*found, strict=True))


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
        return _by_picture(self.store, self.key, pixels, "tokens", lambda one: (self.encoder.tokens(one),))[0]


@dataclass(frozen=True, eq=False, slots=True)
class RememberedEmbedder:
    """An `ImageEmbedder` that embeds no picture twice."""

    embedder: ImageEmbedder
    store: Encodings = field(default=ENCODINGS)

    @property
    def key(self) -> str:
        """The embedder's own."""
        return self.embedder.key

    @property
    def width(self) -> int:
        """The embedder's own."""
        return self.embedder.width

    def embeddings(self, pixels: Tensor) -> Tensor:
        """Embeddings of pictures, see `ImageEmbedder`."""
        return _by_picture(self.store, self.key, pixels, "embedding", lambda one: (self.embedder.embeddings(one),))[0]


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
        return _by_picture(self.store, self.key, pixels, "maps", self.backbone.maps)


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
            [vector] = said(
                self.store, key, lambda face=face, picture=picture: (self.recogniser.vectors([face], [picture]),)
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
            key = EncodingKey(self.key, pixels_hash(picture), "faces")
            boxes, points, scores = said(self.store, key, lambda picture=picture: self._look(picture))
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
        [labels] = said(self.store, key, lambda: (torch.from_numpy(self.parser.labels(picture, size)),))
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
        return _by_picture(self.store, self.key, pictures, "latents", lambda one: (self.encoder.latents(one),))[0]
