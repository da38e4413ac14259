"""The port for everything that looks at a photo: what a host lends to a method that encodes a person.

Every encoder has a `key` that names its weights, the output that is taken and how pixels are prepared: two encoders with one
key give the same values. `models/people/encodings.py` keeps what they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from torch import Tensor

from ..face.types import Detection, Face


class Encoder(Protocol):
    """A network with frozen weights."""

    @property
    def key(self) -> str:
        """Name of weights, output and preparation."""
        ...


class ImageEncoder(Encoder, Protocol):
    """A vision transformer such as CLIP or DINO."""

    @property
    def width(self) -> int:
        """Channels of its tokens."""
        ...

    def tokens(self, pixels: Tensor) -> Tensor:
        """Hidden states of pictures.

        Args:
            pixels: already normalised, (R, 3, S, S) float32.

        Returns:
            (R, T, width) float32 on the CPU: the class token, then the patches row by row.
        """
        ...


class ImageEmbedder(Encoder, Protocol):
    """A CLIP vision model whose one vector for a picture is taken: pooled, projected and not normalised."""

    @property
    def width(self) -> int:
        """Length of an embedding."""
        ...

    def embeddings(self, pixels: Tensor) -> Tensor:
        """Embeddings of pictures.

        Args:
            pixels: already normalised, (R, 3, S, S) float32.

        Returns:
            (R, width) float32 on the CPU.
        """
        ...


class FaceBackbone(Encoder, Protocol):
    """A face recognition network whose inner feature maps are read."""

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of the maps, shallow to deep."""
        ...

    def maps(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """The tapped maps of aligned faces, shallow to deep.

        Args:
            pixels: RGB in [-1, 1], (R, 3, 112, 112) float32.

        Returns:
            (R, C, h, w) float32 on the CPU each.
        """
        ...


class FaceRecogniser(Encoder, Protocol):
    """Gives a vector for each face that tells people apart."""

    @property
    def width(self) -> int:
        """Length of a vector."""
        ...

    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        """Vectors of faces.

        Args:
            faces: R faces.
            pictures: the picture of each, (H, W, 3) uint8 RGB.

        Returns:
            (R, width) float32 on the CPU, not normalised.
        """
        ...


class FaceDetector(Encoder, Protocol):
    """Finds faces."""

    def find(self, pictures: Sequence[np.ndarray]) -> Iterable[list[Detection]]:
        """The faces of one picture after another, boxes clamped to the picture, the surest first.

        Args:
            pictures: (H, W, 3) uint8 RGB each.
        """
        ...

    def at_size(self, size: int) -> FaceDetector:
        """The same detector that looks at a square of another size, pixels; itself where it knows no size."""
        ...


class FaceParser(Encoder, Protocol):
    """Tells the parts of a face apart."""

    def labels(self, picture: np.ndarray, size: int) -> np.ndarray:
        """The label map of one photo.

        Args:
            picture: (H, W, 3) uint8 RGB; it is squashed to a square.
            size: side of the square that the network sees, pixels.

        Returns:
            (size, size) uint8.
        """
        ...


class LatentEncoder(Encoder, Protocol):
    """The encoder of a VAE."""

    def latents(self, pictures: Tensor) -> Tensor:
        """Latents of pictures, as the sampler is given them.

        Args:
            pictures: (R, H, W, 3) float32, 0–1.

        Returns:
            (R, C, h, w) float32 on the CPU.
        """
        ...
