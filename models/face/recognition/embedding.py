"""Networks of ours that end in one vector of a face, FaceNet and IR-101, where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...weights.fingerprint import fingerprint
from ..types import Face
from .facenet import FaceNet
from .ir_embedding import IREmbedding


@dataclass(frozen=True, eq=False, slots=True)
class Embedding:
    """A network that describes faces; a `FaceRecogniser`.

    Attributes:
        network: prepares faces, and runs where it is.
    """

    network: FaceNet | IREmbedding

    @property
    def key(self) -> str:
        """Hash of the weights."""
        return f"embedding {fingerprint(self.network)}"

    @property
    def width(self) -> int:
        """Length of a vector."""
        return self.network.width

    @torch.no_grad()
    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        """Vectors of faces, (R, width), see `FaceRecogniser`."""
        pixels = self.network.pixels(faces, pictures)
        return self.network(pixels.to(next(self.network.parameters()))).to("cpu", torch.float32)
