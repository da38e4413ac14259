"""Face recognisers: a vector for each face that tells people apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...models.face.alignment import CROP_SIZE, align
from ...models.face.iresnet import IResNet
from ...models.face.recognition import describe
from ...models.face.types import Face
from ...models.miniature.face_vectors import face_vectors
from ..memory import loaded


class Recogniser(Protocol):
    """Gives the vectors that an adapter was trained with."""

    def __call__(self, faces: Sequence[Face], images: tuple[np.ndarray, ...]) -> Tensor:
        """Vectors of faces.

        Args:
            faces: R faces.
            images: the pictures that `Face.image_index` points to, (H, W, 3) uint8 RGB each.

        Returns:
            (R, W) float32 on the CPU, not normalised.
        """
        ...


@dataclass(frozen=True, slots=True)
class OnnxRecogniser:
    """An ArcFace model; raises as `models.face.recognition.describe`.

    Attributes:
        path: its ONNX file.
    """

    path: Path

    def __call__(self, faces: Sequence[Face], images: tuple[np.ndarray, ...]) -> Tensor:
        """Vectors of faces, (R, 512)."""
        described = describe(faces, images, self.path)
        return torch.stack([torch.from_numpy(face.embedding) for face in described if face.embedding is not None])


@dataclass(frozen=True, eq=False, slots=True)
class BackboneRecogniser:
    """The miniature's, whose vectors come from its face backbone.

    Attributes:
        backbone: the network.
        patcher: loads and offloads it; may hold other networks too.
    """

    backbone: IResNet
    patcher: ModelPatcher

    def __call__(self, faces: Sequence[Face], images: tuple[np.ndarray, ...]) -> Tensor:
        """Vectors of faces, (R, W)."""
        crops = [align(images[face.image_index], face.points, CROP_SIZE) for face in faces]
        with loaded(self.patcher):
            return face_vectors(self.backbone, np.stack(crops)).cpu()
