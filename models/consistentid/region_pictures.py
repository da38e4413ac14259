"""The pictures of a photo's facial regions: made once a photo, since cutting them out of a large one takes seconds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..clip import clip_pixels
from ..face.facial_features import FEATURES, kept_regions, region_picture
from ..face.region_masks import filled_masks
from ..images.resampling import resize
from ..people.encodings import EncodingKey, pixels_hash
from .encoders import ConsistentIDEncoders

SHOWN_SIDE = 512  # pixels of the longer side, at most, of what a contact sheet shows


@dataclass(frozen=True, eq=False, slots=True)
class RegionPicture:
    """The photo, black outside of one region.

    Attributes:
        name: label of the face parser.
        pixels: what the image encoder sees, (3, 224, 224) float32, normalised.
        shown: the picture, reduced to 512 pixels, (h, w, 3) uint8.
    """

    name: str
    pixels: Tensor
    shown: np.ndarray

    @property
    def feature(self) -> str:
        """The word of a caption that it belongs to: face, ears, eyes, nose or mouth."""
        return FEATURES[self.name]


def region_pictures(
    photo: np.ndarray, features: Collection[str], encoders: ConsistentIDEncoders, size: int
) -> list[RegionPicture]:
    """The regions of a photo that become conditions, in their order.

    Args:
        photo: (H, W, 3) uint8 RGB.
        features: those that are wanted (face, ears, eyes, nose, mouth).
        encoders: the parser finds the regions.
        size: side of the square that the parser sees, pixels.

    Raises:
        MissingModelFileError: without a face parser.
    """
    parser = encoders.required_parser
    masks = filled_masks(parser.labels(photo, size))
    names = [name for name in kept_regions(masks) if FEATURES[name] in features]
    hashed = pixels_hash(photo)
    found: list[RegionPicture] = []
    for name in names:
        key = EncodingKey(parser.key, hashed, f"picture of {name} at {size}")
        pixels, shown = encoders.store.remember(key, lambda name=name: _cut_out(photo, masks[name]))
        found.append(RegionPicture(name, pixels, shown.numpy()))
    return found


def _cut_out(photo: np.ndarray, mask: np.ndarray) -> tuple[Tensor, Tensor]:
    picture = region_picture(photo, mask)
    return clip_pixels(picture), torch.from_numpy(_reduced(picture))


def _reduced(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    scale = SHOWN_SIDE / max(height, width)
    if scale >= 1:
        return picture
    return resize(picture, (max(1, round(height * scale)), max(1, round(width * scale))), "bilinear")
