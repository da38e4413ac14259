"""Face recognisers: a vector for each face that tells people apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...models.face.alignment import CROP_SIZE, align
from ...models.face.iresnet import IResNet
from ...models.face.recognition import describe
from ...models.face.types import Face
from ...models.miniature.face_vectors import face_vectors
from ...models.weights.fingerprint import fingerprint, of_file
from ..memory import loaded

ARCFACE_WIDTH = 512


@dataclass(frozen=True, slots=True)
class OnnxRecogniser:
    """An ArcFace model; a `FaceRecogniser` that raises as `models.face.recognition.describe`.

    Attributes:
        path: its ONNX file.
    """

    path: Path

    @property
    def key(self) -> str:
        """Hash of the file."""
        return f"arcface {of_file(self.path)}"

    @property
    def width(self) -> int:
        """Length of a vector."""
        return ARCFACE_WIDTH

    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        """Vectors of faces, (R, 512)."""
        return torch.from_numpy(
            np.stack([describe(face, picture, self.path) for face, picture in zip(faces, pictures, strict=True)])
        )


@dataclass(frozen=True, eq=False)
class BackboneRecogniser:
    """The miniature's, whose vectors come from its face backbone; a `FaceRecogniser`.

    Attributes:
        patcher: of the backbone.
    """

    patcher: ModelPatcher

    @property
    def key(self) -> str:
        """Hash of the weights."""
        return f"backbone {fingerprint(self.patcher.model)}"

    @property
    def width(self) -> int:
        """Length of a vector."""
        return self._backbone.tap_channels[-1]

    @property
    def _backbone(self) -> IResNet:
        return self.patcher.model  # type: ignore[return-value]

    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        """Vectors of faces, (R, width)."""
        crops = [align(picture, face.points, CROP_SIZE) for face, picture in zip(faces, pictures, strict=True)]
        with loaded(self.patcher):
            return face_vectors(self._backbone, np.stack(crops)).cpu()
