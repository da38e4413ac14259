"""The resampler that both of ConsistentID's encoders read picture features with: queries in, projected queries out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn

from ..adapters.perceiver import PerceiverAttention, feed_forward
from ..errors import UnknownCheckpointError, require_shape
from ..weights.state_dict import require_keys


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
        numbers = (key[len(layers) :].partition(".")[0] for key in state_dict if key.startswith(layers))
        return cls(
            features=into[1],
            dim=into[0],
            inner=query[0],
            dim_head=dim_head,
            hidden=feed[0],
            depth=1 + max(int(number) for number in numbers if number.isdecimal()),
            output=out[0],
        )


class Resampler(nn.Module):
    """Layers of perceiver attention and feed-forward, a projection before and after."""

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

    def forward(self, features: Tensor, queries: Tensor) -> Tensor:
        """What the queries (B, T, dim) read from the features (B, S, W), (B, T, D), layer-normed.

        Raises:
            ShapeError: if the features have another width than the module was trained for.
        """
        require_shape("picture features", features, (queries.shape[0], "S", self.proj_in.in_features))
        features = self.proj_in(features)
        for layer in self.layers:
            attention, feed = cast(nn.ModuleList, layer)
            queries = queries + attention(features, queries)
            queries = queries + feed(queries)
        return self.norm_out(self.proj_out(queries))
