"""What networks said about people's photos: one store for all methods, so that nothing is encoded twice.

A value is a function of the pixels given to a network and of its frozen weights alone, and its key says just that. What
depends on a prompt, a MODEL or a seed does not belong here.

Pictures are given to a network one at a time, so that what is stored depends on nothing but pixels and weights: not on which
other pictures were new, and so not on what somebody encoded before.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import NamedTuple

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

MOST_BYTES = 512 * 2**20


class EncodingKey(NamedTuple):
    """What a stored value was made of.

    Attributes:
        encoder: names the weights, see `fingerprint`.
        pixels: of exactly what the encoder was given, see `pixels_hash`.
        output: which of its outputs, with whatever else decides it.
    """

    encoder: str
    pixels: str
    output: str


class Encodings:
    """A store of tensors on the CPU, least recently used out first; safe to be used by several threads.

    Args:
        most_bytes: of all values together; a value that is larger by itself is handed on and not kept.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._values: OrderedDict[Hashable, tuple[Tensor, ...]] = OrderedDict()
        self._bytes = 0
        self._lock = RLock()

    def __len__(self) -> int:
        return len(self._values)

    @property
    def bytes(self) -> int:
        """Size of all values together."""
        return self._bytes

    def remember(self, key: Hashable, encode: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        """The tensors under a key, encoded at the first request.

        Another thread that asks for the same waits and then finds it. What is kept is a copy on the CPU that no graph and
        no inference mode is tied to.

        Args:
            key: an `EncodingKey`, or another value that names all that decides the result.
            encode: gives the tensors.
        """
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            with torch.inference_mode(False), torch.no_grad():
                value = tuple(tensor.detach().to("cpu", copy=True) for tensor in encode())
            self._keep(key, value)
            return value

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
            self._bytes = 0

    def _keep(self, key: Hashable, value: tuple[Tensor, ...]) -> None:
        size = _size(value)
        if size > self._most:
            return
        self._values[key] = value
        self._bytes += size
        while self._bytes > self._most:
            _, oldest = self._values.popitem(last=False)
            self._bytes -= _size(oldest)


ENCODINGS = Encodings()  # of everything that is encoded while ComfyUI runs


def pixels_hash(pixels: np.ndarray | Tensor) -> str:
    """SHA-256 of a picture's values, type and shape, wherever it lies."""
    array = pixels.detach().cpu().contiguous().numpy() if isinstance(pixels, Tensor) else np.ascontiguousarray(pixels)
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(array.data)
    return digest.hexdigest()


def _size(value: tuple[Tensor, ...]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in value)


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
        found = [
            self.store.remember(
                EncodingKey(self.key, pixels_hash(one), "embedding"), lambda one=one: (self.embedder.embeddings(one),)
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
