"""The two frozen encoders that look at faces while training: face backbone and CLIP."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ..models.face.iresnet import IResNet
from ..models.uniportrait.encode import (
    CROP_SIZE,
    ReferenceFeatures,
    UniPortraitEncoders,
    backbone_input,
    join_features,
    null_features,
    preprocess,
)
from .encoders import ClipEncoder, PlainBackbone
from .image_encoder import image_tokens


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FaceEncoder:
    """Crops to features.

    Attributes:
        backbone: of `models.uniportrait.checkpoint.load_backbone`.
        image_encoder: of `load_image_encoder`.
    """

    backbone: IResNet
    image_encoder: nn.Module

    @property
    def encoders(self) -> UniPortraitEncoders:
        """Both networks as UniPortrait's encoders."""
        return UniPortraitEncoders(clip=ClipEncoder(self.image_encoder), backbone=PlainBackbone(self.backbone))

    def to(self, device: torch.device) -> FaceEncoder:
        """Move both networks to a device."""
        self.backbone.to(device)
        self.image_encoder.to(device)
        return self

    def features(self, crops: np.ndarray) -> ReferenceFeatures:
        """The features of R crops, one after the other on the token axis.

        Args:
            crops: (R, 224, 224, 3) uint8 RGB.

        Returns:
            float32, on the encoders' device.
        """
        pixels = preprocess(crops).to(next(self.backbone.parameters()).device)
        with torch.no_grad():
            maps = self.backbone(backbone_input(pixels).to(next(self.backbone.parameters())))
            return join_features(maps, image_tokens(self.image_encoder, pixels))

    def nobody(self) -> ReferenceFeatures:
        """The features of nobody, see `null_features`."""
        black = self.features(np.zeros((1, CROP_SIZE, CROP_SIZE, 3), np.uint8))
        device = black.intrinsic.device
        tokens = image_tokens(self.image_encoder, torch.zeros(1, 3, CROP_SIZE, CROP_SIZE, device=device))
        return null_features(tokens, black)
