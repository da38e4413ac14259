"""The embedding of CurricularFace's IR-101, whose inner maps UniPortrait reads: the same file holds the layers that end in one
vector (ModelScope iic/cv_ir101_facerecognition_cfglint).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import UnknownCheckpointError, require_shape
from ...weights.state_dict import load_strictly, subset
from ..alignment import align
from ..iresnet import FACE_SIZE, IResNet
from ..types import Face

HEAD = "output_layer."


class IREmbedding(nn.Module):
    """A face backbone with the layers that make one vector of its deepest map.

    Args:
        backbone: gives the maps.
        width: length of a vector.
    """

    def __init__(self, backbone: IResNet, width: int):
        super().__init__()
        channels = backbone.tap_channels[-1]
        cells = (FACE_SIZE >> len(backbone.tap_channels)) ** 2
        self.width = width
        self.backbone = backbone
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.Dropout(0.4),
            nn.Flatten(),
            nn.Linear(channels * cells, width),
            nn.BatchNorm1d(width, affine=False),
        )

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Tensor], name: str = "The face backbone") -> IREmbedding:
        """Build the network that a state dict was saved from; all sizes are read from it.

        Args:
            state_dict: under the published keys.
            name: what a message calls the file.

        Raises:
            UnknownCheckpointError: if the keys are not those of such a network, or those of the embedding are left out.
        """
        backbone = IResNet.from_state_dict(state_dict)
        head = subset(state_dict, HEAD)
        if "3.weight" not in head:
            raise UnknownCheckpointError(
                f'{name} holds the backbone alone, without the layers "{HEAD}*" that make a vector of a face; take the '
                "published file, or choose another recogniser."
            )
        with torch.device("meta"):
            network = cls(backbone, head["3.weight"].shape[0])
        load_strictly(network.output_layer, head, f"{name}, embedding,")
        return network.eval()

    def forward(self, images: Tensor) -> Tensor:
        """The vectors of aligned faces, not normalised.

        Args:
            images: RGB in [-1, 1], (B, 3, 112, 112).

        Returns:
            (B, width).
        """
        return self.output_layer(self.backbone(images)[-1])

    @staticmethod
    def pixels(faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        """What it is given of faces: aligned, (R, 3, 112, 112)."""
        crops = [align(picture, face.points, FACE_SIZE) for face, picture in zip(faces, pictures, strict=True)]
        return pixels_of(np.stack(crops))


def pixels_of(crops: np.ndarray) -> Tensor:
    """What such a network is given of aligned faces: (R, 112, 112, 3) uint8 RGB to (R, 3, 112, 112) float32 in [-1, 1].

    Raises:
        ShapeError: if the crops have another size.
    """
    pixels = torch.as_tensor(crops)
    require_shape("crops", pixels, ("R", FACE_SIZE, FACE_SIZE, 3))
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1
