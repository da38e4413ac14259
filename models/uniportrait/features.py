"""What UniPortrait looks at: face crops to intrinsic and structure features, and the features of nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import interpolate

from ..clip import clip_statistics
from ..errors import ShapeError, require_shape
from ..face.iresnet import FACE_SIZE

CROP_SIZE = 224  # pixels; the one crop that both encoders see


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ReferenceFeatures:
    """The features of all references of one person, one picture after the other on the token axis.

    Attributes:
        intrinsic: deepest backbone features, (1, 49·R, 512).
        structure: three shallow backbone maps, then CLIP's penultimate tokens, (1, 256·R, 1728).
    """

    intrinsic: Tensor
    structure: Tensor

    def __post_init__(self) -> None:
        require_shape("intrinsic", self.intrinsic, (1, "49·R", "Di"))
        require_shape("structure", self.structure, (1, "256·R", "Ds"))


def preprocess(crops: Tensor | np.ndarray) -> Tensor:
    """Normalise crops the way CLIP was trained.

    Args:
        crops: aligned faces, RGB, uint8, (R, 224, 224, 3).

    Returns:
        (R, 3, 224, 224) float32.

    Raises:
        ShapeError: if the crops have another size or are not 8-bit.
    """
    pixels = torch.as_tensor(crops)
    require_shape("crops", pixels, ("R", CROP_SIZE, CROP_SIZE, 3))
    if pixels.dtype != torch.uint8:
        raise ShapeError(f"crops have type {pixels.dtype}; expected uint8, 0–255.")
    mean, std = clip_statistics(pixels.device)
    return (rearrange(pixels, "r h w c -> r c h w").float() / 255 - mean) / std


def backbone_input(pixels: Tensor) -> Tensor:
    """What the face backbone gets of CLIP-normalised crops.

    Args:
        pixels: output of `preprocess`, (R, 3, 224, 224).

    Returns:
        RGB in [-1, 1], (R, 3, 112, 112); halving without antialias is the mean of 2×2 pixels.
    """
    mean, std = clip_statistics(pixels.device)
    faces = (pixels.float() * std + mean - 0.5) / 0.5
    return interpolate(faces.clamp(-1, 1), size=(FACE_SIZE, FACE_SIZE), mode="bilinear", align_corners=False)


def join_features(maps: Sequence[Tensor], clip_tokens: Tensor) -> ReferenceFeatures:
    """The features of one person's references.

    Args:
        maps: of the face backbone, shallow to deep, (R, C, h, w) each.
        clip_tokens: CLIP's penultimate hidden state of the same pictures without the class token, (R, 256, 1280).

    Returns:
        The features, float32, on the device of `clip_tokens`.

    Raises:
        ShapeError: if the numbers of pictures differ or the tokens do not form a square.

    Reference: UniPortrait (arXiv:2408.05939), section 3.2 and appendix B; details as in the published code.
    """
    require_shape("clip_tokens", clip_tokens, (maps[-1].shape[0], "256", "1280"))
    side = round(clip_tokens.shape[1] ** 0.5)
    if side * side != clip_tokens.shape[1]:
        raise ShapeError(f"clip_tokens has {clip_tokens.shape[1]} tokens; expected a square without the class token.")
    *shallow, deepest = (tapped.to(clip_tokens.device, torch.float32) for tapped in maps)
    resized = [interpolate(tapped, size=(side, side), mode="bilinear", align_corners=False) for tapped in shallow]
    structure = rearrange(torch.cat(resized, dim=1), "r c h w -> r (h w) c")  # (R, 256, 448)
    structure = torch.cat([structure, clip_tokens.float()], dim=-1)  # (R, 256, 1728)
    return ReferenceFeatures(
        intrinsic=rearrange(deepest, "r c h w -> 1 (r h w) c"),
        structure=rearrange(structure, "r t d -> 1 (r t) d"),
    )


def null_features(null_clip_tokens: Tensor, like: ReferenceFeatures) -> ReferenceFeatures:
    """The features of nobody, for the negative side of guidance: one picture's worth, whoever the person is.

    Args:
        null_clip_tokens: CLIP's penultimate tokens of normalised pixels that are all zero (a picture of the mean
            colour, not a black one), (1, 256, 1280).
        like: anybody's features; only their sizes count.

    Returns:
        Zeros where the backbone would speak, the null tokens where CLIP would.
    """
    require_shape("null_clip_tokens", null_clip_tokens, (1, "256", "1280"))
    _, tokens, width = null_clip_tokens.shape
    references = like.structure.shape[1] // tokens
    zeros = null_clip_tokens.new_zeros
    backbone_part = zeros(1, tokens, like.structure.shape[2] - width, dtype=torch.float32)
    return ReferenceFeatures(
        intrinsic=zeros(1, like.intrinsic.shape[1] // references, like.intrinsic.shape[2], dtype=torch.float32),
        structure=torch.cat([backbone_part, null_clip_tokens.float()], dim=-1),
    )
