"""Facial regions into the words of the prompt: one vector per region, fused with the row of its noun.

ConsistentID (arXiv:2404.16771), section 3.1, the facial encoder; the exact form follows the published code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from einops import rearrange
from torch import Tensor, nn

from ..adapters.resampler import LearnedResampler, ResamplerSizes
from ..errors import ShapeError, require_shape
from ..weights.state_dict import load_strictly, require_keys
from .facial_regions import FacialRegion

_NAME = "The facial encoder"


class FacialEncoder(nn.Module):
    """A resampler with one query per region picture, and the fusion of its result with a text row."""

    def __init__(self, sizes: ResamplerSizes):
        super().__init__()
        self.visual_projection = LearnedResampler(sizes, 1)
        self.fuse_module = _Fusion(sizes.output)

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Tensor], *, dim_head: int = 64) -> FacialEncoder:
        """Build the module that a state dict was saved from, in float32.

        Args:
            state_dict: keys as published, without `FacialEncoder.`.
            dim_head: width of one attention head, the only size that the shapes do not tell.

        Raises:
            UnknownCheckpointError: if keys or shapes are not those of a facial encoder.
        """
        require_keys(state_dict, {"visual_projection.latents": 3, "fuse_module.layer_norm.weight": 1}, _NAME)
        sizes = ResamplerSizes.read(state_dict, "visual_projection.", dim_head, _NAME)
        with torch.device("meta"):
            module = cls(sizes)
        return load_strictly(module, state_dict, _NAME)

    @property
    def width(self) -> int:
        """D, width of the text rows."""
        return self.visual_projection.proj_out.out_features

    @property
    def image_width(self) -> int:
        """Width of the image encoder's features, 1280 in the published files."""
        return self.visual_projection.proj_in.in_features

    def regions(self, region_tokens: Tensor) -> Tensor:
        """One vector per region picture, each read on its own.

        Args:
            region_tokens: CLIP's penultimate features, class token first, (B, R, Tv, 1280).

        Returns:
            (B, R, D), layer-normed.

        Raises:
            ShapeError: if the features have another width than the module was trained for.
        """
        require_shape("region_tokens", region_tokens, ("B", "R", "Tv", self.image_width))
        batch, count = region_tokens.shape[:2]
        if not batch * count:
            return region_tokens.new_zeros(batch, count, self.width)
        vectors = self.visual_projection(region_tokens.flatten(0, 1))[:, 0]
        return rearrange(vectors, "(b r) d -> b r d", b=batch)

    def fuse(self, rows: Tensor, vectors: Tensor) -> Tensor:
        """Text rows (..., D) with the region vectors (..., D) that belong to them."""
        return self.fuse_module(rows, vectors)

    def forward(self, text: Tensor, region_tokens: Tensor, token_mask: Tensor, region_mask: Tensor) -> Tensor:
        """Text with regions fused into the marked rows, the first region into the first of them and so on.

        Args:
            text: rows of the text encoder, (B, 77, D); not modified.
            region_tokens: CLIP features of the region pictures, (B, 5, Tv, 1280).
            token_mask: marked rows, (B, 77) bool.
            region_mask: regions that exist, (B, 5) bool; as many per text as it has marked rows.

        Returns:
            (B, 77, D); rows that are not marked are those of `text`.

        Raises:
            ShapeError: if widths differ from the module's, or a text has another number of marks than of regions.
        """
        require_shape("text", text, ("B", "L", self.width))
        require_shape("token_mask", token_mask, text.shape[:2])
        require_shape("region_mask", region_mask, region_tokens.shape[:2])
        marks, given = token_mask.sum(dim=1), region_mask.sum(dim=1)
        if not torch.equal(marks, given):
            raise ShapeError(
                f"The texts have {marks.tolist()} marked rows and {given.tolist()} facial regions; give one region per mark."
            )
        fused = text.clone()
        if token_mask.any():
            vectors = self.regions(region_tokens[region_mask][None])[0]  # (n, D); padding is never read
            fused[token_mask] = self.fuse(text[token_mask], vectors.to(text)).to(text)
        return fused


class _Fusion(nn.Module):
    """Row and region joined, two perceptrons with the row added in between, and a norm."""

    def __init__(self, width: int):
        super().__init__()
        self.mlp1 = _Perceptron(2 * width, width)
        self.mlp2 = _Perceptron(width, width)
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, rows: Tensor, vectors: Tensor) -> Tensor:
        hidden = self.mlp1(torch.cat([rows, vectors], dim=-1)) + rows
        return self.layer_norm(self.mlp2(hidden) + hidden)


class _Perceptron(nn.Module):
    """Norm, linear layer, exact GELU, linear layer."""

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.layernorm = nn.LayerNorm(inputs)
        self.fc1 = nn.Linear(inputs, width)
        self.fc2 = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(nn.functional.gelu(self.fc1(self.layernorm(x))))


def fuse_regions(
    facial_encoder: FacialEncoder, text: Tensor, places: Sequence[int], regions: Sequence[FacialRegion]
) -> Tensor:
    """The rows of a prompt with regions fused in: row + strength · (fused − row).

    Args:
        facial_encoder: fuses, in its own type and on its device.
        text: rows of the text encoder, (1, L, D); stays as it is.
        places: R rows.
        regions: what goes into each of them.

    Returns:
        (1, L, D), of the type and on the device of `text`.

    Reference: ConsistentID (arXiv:2404.16771), section 3.1; strengths are ours, 1 is published.
    """
    if not places:
        return text
    like = next(facial_encoder.parameters())
    vectors = torch.cat([region.vector for region in regions]).to(like)  # (R, D)
    strengths = torch.tensor([region.strength for region in regions]).to(like)[:, None]
    rows = text[:, places].to(like)  # (1, R, D)
    changed = torch.lerp(rows, facial_encoder.fuse(rows, vectors[None].expand_as(rows)), strengths)
    fused = text.clone()
    fused[:, places] = changed.to(fused)
    return fused
