"""ID tokens: a face vector as queries that read the whole photo.

ConsistentID (arXiv:2404.16771), section 3.1; the layers' form follows the published code (IP-Adapter FaceID Plus).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from einops import rearrange
from torch import Tensor, nn

from ..errors import UnknownCheckpointError, require_shape
from ..weights.state_dict import load_strictly, require_keys
from .resampler import Resampler, ResamplerSizes

_NAME = "The ID projection"


class IDProjection(nn.Module):
    """A face vector to T query tokens, refined by what they read from the photo.

    Args:
        vector: width of the face vector.
        hidden: inner width of its projection.
        tokens: T.
        sizes: of the resampler, whose inner and output widths are both D.
    """

    def __init__(self, vector: int, hidden: int, tokens: int, sizes: ResamplerSizes):
        super().__init__()
        self.num_tokens = tokens
        self.proj = nn.Sequential(nn.Linear(vector, hidden), nn.GELU(), nn.Linear(hidden, tokens * sizes.dim))
        self.norm = nn.LayerNorm(sizes.dim)
        self.perceiver_resampler = Resampler(sizes)

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Tensor], *, dim_head: int = 64) -> IDProjection:
        """Build the module that a state dict was saved from, in float32.

        Args:
            state_dict: keys as published, without `image_proj.`.
            dim_head: width of one attention head, the only size that the shapes do not tell.

        Raises:
            UnknownCheckpointError: if keys or shapes are not those of an ID projection.
        """
        require_keys(state_dict, {"proj.0.weight": 2, "proj.2.weight": 2}, _NAME)
        sizes = ResamplerSizes.read(state_dict, "perceiver_resampler.", dim_head, _NAME)
        (hidden, vector), joined = state_dict["proj.0.weight"].shape, state_dict["proj.2.weight"].shape[0]
        if joined % sizes.dim or sizes.dim != sizes.output:
            raise UnknownCheckpointError(
                f"{_NAME} makes {joined} values of a face, reads photos {sizes.dim} wide and gives tokens "
                f"{sizes.output} wide, which do not fit each other; download the file again or choose another one."
            )
        with torch.device("meta"):
            module = cls(vector, hidden, joined // sizes.dim, sizes)
        return load_strictly(module, state_dict, _NAME)

    @property
    def width(self) -> int:
        """D, width of the ID tokens."""
        return self.norm.normalized_shape[0]

    @property
    def vector_width(self) -> int:
        """Width of the face vectors, 512 in the published files."""
        return cast(nn.Linear, self.proj[0]).in_features

    @property
    def image_width(self) -> int:
        """Width of the image encoder's features, 1280 in the published files."""
        return self.perceiver_resampler.proj_in.in_features

    def forward(self, id_vector: Tensor, clip_tokens: Tensor, *, shortcut: bool, s_scale: float) -> Tensor:
        """ID tokens of faces.

        Args:
            id_vector: recogniser's vector of length 1, (B, 512); zeros for the negative side.
            clip_tokens: CLIP's penultimate features of the whole photo, class token first, (B, 257, 1280).
            shortcut: whether the projected vector is added to what the resampler gives.
            s_scale: factor on the resampler's part; ignored without `shortcut`, as published.

        Returns:
            (B, T, D).

        Raises:
            ShapeError: if an input has another width than the module was trained for.
        """
        require_shape("id_vector", id_vector, ("B", self.vector_width))
        queries = self.norm(rearrange(self.proj(id_vector), "b (t d) -> b t d", t=self.num_tokens))
        tokens = self.perceiver_resampler(clip_tokens, queries)
        return queries + s_scale * tokens if shortcut else tokens
