"""The resampler that picture features are read with: queries in, projected queries out.

IP-Adapter (arXiv:2308.06721) calls it Plus; after Flamingo's (arXiv:2204.14198).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from ..errors import UnknownCheckpointError, require_shape
from ..weights.numbering import layer_count
from ..weights.state_dict import load_strictly, require_keys
from .perceiver import PerceiverAttention, feed_forward

_NAME = "The resampler"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResamplerSizes:
    """The sizes of a resampler.

    Attributes:
        features: width of the features that are read.
        dim: width inside.
        inner: width of all attention heads together.
        dim_head: width of one head.
        hidden: inner width of the feed-forwards.
        depth: number of layers.
        output: width of the result.
    """

    features: int
    dim: int
    inner: int
    dim_head: int
    hidden: int
    depth: int
    output: int

    @classmethod
    def read(cls, state_dict: Mapping[str, Tensor], prefix: str, dim_head: int, name: str) -> ResamplerSizes:
        """The sizes that weights were saved with.

        Args:
            state_dict: the weights.
            prefix: what stands before the resampler's keys.
            dim_head: width of one head, the only size that the shapes do not tell.
            name: what messages call the whole module.

        Raises:
            UnknownCheckpointError: if the tensors that tell the sizes are missing, or heads do not divide the width.
        """
        wanted = ("proj_in.weight", "proj_out.weight", "layers.0.0.to_q.weight", "layers.0.1.1.weight")
        require_keys(state_dict, {prefix + key: 2 for key in wanted}, name)
        into, out, query, feed = (tuple(state_dict[prefix + key].shape) for key in wanted)
        if query[0] % dim_head:
            raise UnknownCheckpointError(
                f"{name} has attention {query[0]} wide, which heads of {dim_head} do not divide; "
                "load a published file or pass its dim_head."
            )
        layers = prefix + "layers."
        return cls(
            features=into[1],
            dim=into[0],
            inner=query[0],
            dim_head=dim_head,
            hidden=feed[0],
            depth=layer_count(state_dict, layers, name),
            output=out[0],
        )


class ResamplerLayers(nn.Module):
    """Layers of perceiver attention and feed-forward, a projection before and after; whose the queries are is not said."""

    def __init__(self, sizes: ResamplerSizes):
        super().__init__()
        self.proj_in = nn.Linear(sizes.features, sizes.dim)
        self.layers = nn.ModuleList(
            nn.ModuleList(
                [PerceiverAttention(sizes.dim, sizes.inner, sizes.dim_head), feed_forward(sizes.dim, sizes.hidden)]
            )
            for _ in range(sizes.depth)
        )
        self.proj_out = nn.Linear(sizes.dim, sizes.output)
        self.norm_out = nn.LayerNorm(sizes.output)

    @property
    def features(self) -> int:
        """Width of the features that are read."""
        return self.proj_in.in_features

    @property
    def width(self) -> int:
        """D, width of the result."""
        return self.norm_out.normalized_shape[0]

    def read(self, features: Tensor, queries: Tensor) -> Tensor:
        """What the queries (B, T, dim) read from the features (B, S, W), (B, T, D), layer-normed.

        Raises:
            ShapeError: if the features have another width than the module was trained for.
        """
        require_shape("picture features", features, (queries.shape[0], "S", self.features))
        features = self.proj_in(features)
        for layer in self.layers:
            attention, feed = cast(nn.ModuleList, layer)
            queries = queries + attention(features, queries)
            queries = queries + feed(queries)
        return self.norm_out(self.proj_out(queries))


class Resampler(ResamplerLayers):
    """A resampler that is given its queries."""

    def forward(self, features: Tensor, queries: Tensor) -> Tensor:
        """See `read`."""
        return self.read(features, queries)


class LearnedResampler(ResamplerLayers):
    """A resampler with T learned queries, `latents`.

    Args:
        sizes: of its layers.
        tokens: T.
    """

    def __init__(self, sizes: ResamplerSizes, tokens: int):
        super().__init__(sizes)
        self.latents = nn.Parameter(torch.empty(1, tokens, sizes.dim))

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Tensor], *, dim_head: int = 64) -> LearnedResampler:
        """Build the module that a state dict was saved from, in float32.

        Args:
            state_dict: keys as published, without `image_proj.`.
            dim_head: width of one attention head, the only size that the shapes do not tell.

        Raises:
            UnknownCheckpointError: if keys or shapes are not those of a resampler.
        """
        require_keys(state_dict, {"latents": 3}, _NAME)
        sizes = ResamplerSizes.read(state_dict, "", dim_head, _NAME)
        with torch.device("meta"):
            module = cls(sizes, state_dict["latents"].shape[1])
        return load_strictly(module, state_dict, _NAME)

    @property
    def num_tokens(self) -> int:
        """T."""
        return self.latents.shape[1]

    def forward(self, features: Tensor) -> Tensor:
        """Tokens (B, T, D) of features (B, S, W), S any number of them.

        Raises:
            ShapeError: if the features have another width than the module was trained for.
        """
        require_shape("picture features", features, ("B", "S", self.features))
        return self.read(features, self.latents.to(features).expand(len(features), -1, -1))
