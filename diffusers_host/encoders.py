"""The encoders of the port on plain torch and transformers modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..models.face.alignment import CROP_SIZE, align
from ..models.face.iresnet import IResNet
from ..models.face.parsing import FaceParser
from ..models.face.types import Face
from ..models.uniportrait.encode import face_vectors
from ..models.weights.fingerprint import fingerprint
from .image_embedder import image_embeddings
from .image_encoder import hidden_tokens


@dataclass(frozen=True, eq=False, slots=True)
class ClipEncoder:
    """The penultimate hidden state of a CLIP image encoder; an `ImageEncoder`.

    Attributes:
        network: of `load_image_encoder`; runs where it is.
    """

    network: nn.Module

    @property
    def key(self) -> str:
        """Hash of the weights."""
        return f"clip {fingerprint(self.network)}"

    @property
    def width(self) -> int:
        """Channels of its tokens."""
        return int(self.network.config.hidden_size)  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]

    def tokens(self, pixels: Tensor) -> Tensor:
        """Hidden states of pictures, see `ImageEncoder`."""
        return hidden_tokens(self.network, pixels).to("cpu", torch.float32)


@dataclass(frozen=True, eq=False, slots=True)
class ClipEmbedder:
    """The pooled, projected vector of a CLIP image encoder; an `ImageEmbedder`.

    Attributes:
        network: of `load_image_embedder`; runs where it is.
    """

    network: nn.Module

    @property
    def key(self) -> str:
        """Hash of the weights."""
        return f"clip embedding {fingerprint(self.network)}"

    @property
    def width(self) -> int:
        """Length of an embedding."""
        return int(self.network.config.projection_dim)  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]

    def embeddings(self, pixels: Tensor) -> Tensor:
        """Embeddings of pictures, see `ImageEmbedder`."""
        return image_embeddings(self.network, pixels).cpu()


@dataclass(frozen=True, eq=False, slots=True)
class PlainParser:
    """A face parser; a `FaceParser` of the port.

    Attributes:
        network: runs where it is.
    """

    network: FaceParser

    @property
    def key(self) -> str:
        """Hash of the weights."""
        return f"parser {fingerprint(self.network)}"

    def labels(self, picture: np.ndarray, size: int) -> np.ndarray:
        """The label map of one photo, see `FaceParser`."""
        with torch.no_grad():
            return self.network.parse(picture, size)


@dataclass(frozen=True, eq=False, slots=True)
class PlainBackbone:
    """A face backbone; a `FaceBackbone`, and the `FaceRecogniser` of the miniature.

    Attributes:
        network: runs where it is.
    """

    network: IResNet

    @property
    def key(self) -> str:
        """Hash of the weights."""
        return f"backbone {fingerprint(self.network)}"

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of the maps, shallow to deep."""
        return self.network.tap_channels

    @property
    def width(self) -> int:
        """Length of a vector."""
        return self.channels[-1]

    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        """Vectors of faces, (R, width), see `FaceRecogniser`."""
        crops = [align(picture, face.points, CROP_SIZE) for face, picture in zip(faces, pictures, strict=True)]
        return face_vectors(self.network, np.stack(crops)).cpu()

    def maps(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """The tapped maps of aligned faces, see `FaceBackbone`."""
        with torch.no_grad():
            found = self.network(pixels.to(next(self.network.parameters())))
        return tuple(tapped.to("cpu", torch.float32) for tapped in found)
