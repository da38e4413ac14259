"""A face backbone under ComfyUI's memory management: its inner maps, and vectors that tell people apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...models.face.alignment import CROP_SIZE, align
from ...models.face.iresnet import IResNet
from ...models.face.types import Face
from ...models.people.remembered import RememberedBackbone
from ...models.port.encoders import FaceBackbone
from ...models.uniportrait.encode import face_vectors
from ...models.weights.fingerprint import fingerprint
from ..memory import loaded, manage


@dataclass(frozen=True, eq=False)
class ManagedBackbone:
    """An IResNet; a `FaceBackbone`, and the `FaceRecogniser` of the miniature.

    Attributes:
        patcher: loads and offloads it.
    """

    patcher: ModelPatcher

    @property
    def key(self) -> str:
        """Hash of the weights."""
        return f"backbone {fingerprint(self.patcher.model)}"

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of the maps, shallow to deep."""
        return self._backbone.tap_channels

    @property
    def width(self) -> int:
        """Length of a vector."""
        return self.channels[-1]

    @property
    def _backbone(self) -> IResNet:
        return self.patcher.model  # type: ignore[return-value]

    def maps(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """The tapped maps of aligned faces, see `FaceBackbone`."""
        with loaded(self.patcher):
            found = self._backbone(pixels.to(next(self._backbone.parameters())))
            return tuple(tapped.to("cpu", torch.float32) for tapped in found)

    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        """Vectors of faces, (R, width), see `FaceRecogniser`."""
        crops = [align(picture, face.points, CROP_SIZE) for face, picture in zip(faces, pictures, strict=True)]
        with loaded(self.patcher):
            return face_vectors(self._backbone, np.stack(crops)).cpu()


def manage_backbone(backbone: IResNet) -> FaceBackbone:
    """A backbone that ComfyUI loads and offloads, and that reads no face twice."""
    return RememberedBackbone(ManagedBackbone(manage(backbone)))
