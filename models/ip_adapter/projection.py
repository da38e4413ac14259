"""The projections of IP-Adapter's files: a CLIP embedding, CLIP tokens, a face vector or both to a few context tokens.

IP-Adapter (arXiv:2308.06721), section 3.2, for the plain one; the others exist in the published code alone. Those that read a
face, and the resampler, are shared with other methods and lie in `models/adapters/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, cast

import torch
from einops import rearrange
from torch import Tensor, nn

from ..adapters.id_projection import FacesProjection, IDProjection
from ..adapters.resampler import LearnedResampler
from ..errors import UnknownCheckpointError, require_shape
from ..weights.state_dict import load_strictly, require_keys, summarise

_NAME, _FULL_FACE = "The image prompt projection", "The full-face projection"
_KOLORS = {"latents": 2048, "perceiver_resampler.proj_in.bias": 4096}  # widths that only adapters for Kolors have


class ImagePromptProjection(nn.Module):
    """Linear and LayerNorm: one embedding to T tokens.

    Args:
        embedding: width of the pooled, projected CLIP embedding (1024 for ViT-H).
        tokens: T, number of context tokens.
        width: D, width of the context.
    """

    def __init__(self, embedding: int, tokens: int, width: int):
        super().__init__()
        self.proj = nn.Linear(embedding, tokens * width)
        self.norm = nn.LayerNorm(width)

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Tensor]) -> ImagePromptProjection:
        """Build the projection that a state dict was saved from (`image_proj`, without that prefix), in float32.

        Raises:
            UnknownCheckpointError: if keys or shapes are not those of the base IP-Adapter.
        """
        require_keys(state_dict, {"proj.weight": 2, "norm.weight": 1}, _NAME)
        (total, embedding), (width,) = state_dict["proj.weight"].shape, state_dict["norm.weight"].shape
        with torch.device("meta"):
            module = cls(embedding, total // width, width)
        return load_strictly(module, state_dict, _NAME)

    @property
    def num_tokens(self) -> int:
        """T."""
        return self.proj.out_features // self.width

    @property
    def width(self) -> int:
        """D, width of the tokens."""
        return self.norm.normalized_shape[0]

    @property
    def image_width(self) -> int:
        """Width of the embedding: 1024 for ViT-H, 1280 for ViT-bigG."""
        return self.proj.in_features

    def forward(self, embedding: Tensor) -> Tensor:
        """Context tokens (B, T, D) of pooled CLIP embeddings (B, E), not normalised.

        Raises:
            ShapeError: if they have another width than the module was trained for.
        """
        require_shape("embedding", embedding, ("B", self.image_width))
        return self.norm(rearrange(self.proj(embedding), "b (t d) -> b t d", d=self.width))

    def null(self) -> Tensor:
        """The negative side's tokens, (1, T, D): the projection of a zero embedding."""
        return self(self.proj.weight.new_zeros(1, self.image_width))


class FullFaceProjection(nn.Module):
    """Linear, exact GELU, linear and LayerNorm for each of CLIP's tokens.

    Args:
        image_width: E, width of CLIP's tokens.
        width: D, width of the context.
    """

    def __init__(self, image_width: int, width: int):
        super().__init__()
        self.proj = nn.Sequential(
            nn.Linear(image_width, image_width), nn.GELU(), nn.Linear(image_width, width), nn.LayerNorm(width)
        )

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Tensor]) -> FullFaceProjection:
        """Build the projection that a state dict was saved from (keys without `image_proj.`), in float32.

        Raises:
            UnknownCheckpointError: if keys or shapes are not those of such a projection.
        """
        require_keys(state_dict, {"proj.2.weight": 2}, _FULL_FACE)
        width, image_width = state_dict["proj.2.weight"].shape
        with torch.device("meta"):
            module = cls(image_width, width)
        return load_strictly(module, state_dict, _FULL_FACE)

    @property
    def width(self) -> int:
        """D, width of the tokens."""
        return cast(nn.Linear, self.proj[2]).out_features

    @property
    def image_width(self) -> int:
        """E, width of CLIP's tokens, 1280 in the published file."""
        return cast(nn.Linear, self.proj[2]).in_features

    def forward(self, clip_tokens: Tensor) -> Tensor:
        """One context token (B, T, D) for each of CLIP's penultimate tokens (B, T, E), class token first.

        Raises:
            ShapeError: if they have another width than the module was trained for.
        """
        require_shape("clip_tokens", clip_tokens, ("B", "T", self.image_width))
        return self.proj(clip_tokens)


Projection: TypeAlias = "ImagePromptProjection | FullFaceProjection | IDProjection | LearnedResampler | FacesProjection"


def from_state_dict(image_proj: Mapping[str, Tensor], *, dim_head: int = 64) -> Projection:
    """Build the projection that a state dict was saved from, in float32; its keys tell which one it is.

    Args:
        image_proj: keys as published, without `image_proj.`.
        dim_head: width of one attention head of a resampler, the only size that the shapes do not tell.

    Returns:
        The module; what it is given and gives is told at each: `ImagePromptProjection` (plain), `FullFaceProjection`,
        `IDProjection` (FaceID Plus), `LearnedResampler` (Plus, and Portrait unnorm) or `FacesProjection` (FaceID, Portrait).

    Raises:
        UnknownCheckpointError: if keys or shapes are those of none, or of an adapter for Kolors.
    """
    for key, width in _KOLORS.items():
        if key in image_proj and image_proj[key].shape[-1] == width:
            raise UnknownCheckpointError(
                f"This IP-Adapter was made for Kolors (its resampler is {width} wide), which is no base model of this "
                "pack; choose a file for SD1.5 or SDXL."
            )
    if "proj.weight" in image_proj and image_proj["proj.weight"].ndim == 2:
        return ImagePromptProjection.from_state_dict(image_proj)
    if "proj.3.weight" in image_proj:
        return FullFaceProjection.from_state_dict(image_proj)
    if "perceiver_resampler.proj_in.weight" in image_proj:
        return IDProjection.from_state_dict(image_proj, dim_head=dim_head)
    if "latents" in image_proj:
        return LearnedResampler.from_state_dict(image_proj, dim_head=dim_head)
    if "proj.0.weight" in image_proj and "norm.weight" in image_proj:
        return FacesProjection.from_state_dict(image_proj)
    raise UnknownCheckpointError(
        f"No projection of an IP-Adapter has these weights ({summarise(image_proj)}); choose a published IP-Adapter file."
    )
