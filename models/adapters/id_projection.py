"""ID tokens of face vectors: alone (IP-Adapter FaceID and Portrait), or as queries that read a photo (FaceID Plus, ConsistentID).

ConsistentID (arXiv:2404.16771), section 3.1; IP-Adapter (arXiv:2308.06721) is the paper of the rest, and the layers' form
follows its published code.
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

_NAME, _FACES = "The ID projection", "The face projection"


class FaceProjection(nn.Module):
    """Linear, exact GELU, linear and LayerNorm: a face vector to T tokens.

    Args:
        vector: width of the face vector.
        hidden: inner width.
        tokens: T.
        width: D, width of the tokens.
    """

    def __init__(self, vector: int, hidden: int, tokens: int, width: int):
        super().__init__()
        self.num_tokens = tokens
        self.proj = nn.Sequential(nn.Linear(vector, hidden), nn.GELU(), nn.Linear(hidden, tokens * width))
        self.norm = nn.LayerNorm(width)

    @property
    def width(self) -> int:
        """D, width of the tokens."""
        return self.norm.normalized_shape[0]

    @property
    def vector_width(self) -> int:
        """Width of the face vectors, 512 in the published files."""
        return cast(nn.Linear, self.proj[0]).in_features

    def project(self, vectors: Tensor) -> Tensor:
        """Tokens (B, T, D) of face vectors (B, V)."""
        return self.norm(rearrange(self.proj(vectors), "b (t d) -> b t d", t=self.num_tokens))


class FacesProjection(FaceProjection):
    """T tokens of each face, one face or several: IP-Adapter FaceID (T = 4) and FaceID Portrait (T = 16)."""

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Tensor]) -> FacesProjection:
        """Build the projection that a state dict was saved from (keys without `image_proj.`), in float32.

        Raises:
            UnknownCheckpointError: if keys or shapes are not those of such a projection.
        """
        require_keys(state_dict, {"proj.0.weight": 2, "proj.2.weight": 2, "norm.weight": 1}, _FACES)
        (hidden, vector), joined = state_dict["proj.0.weight"].shape, state_dict["proj.2.weight"].shape[0]
        width = state_dict["norm.weight"].shape[0]
        if joined % width:
            raise UnknownCheckpointError(
                f"{_FACES} makes {joined} values of a face, which tokens {width} wide do not divide; download the file "
                "again or choose another one."
            )
        with torch.device("meta"):
            module = cls(vector, hidden, joined // width, width)
        return load_strictly(module, state_dict, _FACES)

    def forward(self, faces: Tensor) -> Tensor:
        """Tokens of faces: (B, T, D) of (B, V), or of n faces (B, n, V) those of each behind one another, (B, n·T, D).

        The vectors have length 1 unless the file was trained otherwise; zeros stand for nobody.

        Raises:
            ShapeError: if the vectors have another width than the module was trained for.
        """
        require_shape("faces", faces, ("B", *("n",) * (faces.ndim == 3), self.vector_width))
        tokens = self.project(faces.flatten(0, -2))
        return tokens.reshape(len(faces), -1, self.width)

    def null(self) -> Tensor:
        """The tokens of nobody, (1, T, D): the projection of a zero vector."""
        return self(self.norm.weight.new_zeros(1, self.vector_width))


class IDProjection(FaceProjection):
    """A face vector to T query tokens, refined by what they read from the photo.

    Args:
        vector: width of the face vector.
        hidden: inner width of its projection.
        tokens: T.
        sizes: of the resampler, whose inner and output widths are both D.
    """

    def __init__(self, vector: int, hidden: int, tokens: int, sizes: ResamplerSizes):
        super().__init__(vector, hidden, tokens, sizes.dim)
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
    def image_width(self) -> int:
        """Width of the image encoder's features, 1280 in the published files."""
        return self.perceiver_resampler.features

    def forward(self, id_vector: Tensor, clip_tokens: Tensor, *, shortcut: bool, s_scale: float = 1.0) -> Tensor:
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
        queries = self.project(id_vector)
        tokens = self.perceiver_resampler(clip_tokens, queries)
        return queries + s_scale * tokens if shortcut else tokens
