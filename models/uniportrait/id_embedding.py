"""The ID embedding module: face features to identity tokens, intrinsic identity first, structure on top.

UniPortrait (arXiv:2408.05939), section 3.2; the layer's exact form follows the published code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from ..adapters.perceiver import PerceiverAttention, feed_forward
from ..errors import UnknownCheckpointError, require_shape
from ..weights.numbering import layer_count
from ..weights.state_dict import load_strictly, require_keys

_NAME = "The ID embedding"


@dataclass(frozen=True, slots=True, kw_only=True)
class IDEmbeddingSizes:
    """The sizes of an ID embedding module, all of them read from its weights.

    Attributes:
        tokens: T, number of queries.
        dim: width inside the module.
        dim_head: width of one attention head.
        inner: width of all heads together.
        depth: number of layers.
        intrinsic, structure: Di and Ds, widths of the features.
        hidden_intrinsic, hidden_structure, hidden_feed: hidden widths of the two projections and the feed-forwards.
        output: D, width of the identity tokens.
    """

    tokens: int
    dim: int
    dim_head: int
    inner: int
    depth: int
    intrinsic: int
    structure: int
    hidden_intrinsic: int
    hidden_structure: int
    hidden_feed: int
    output: int


class IDEmbedding(nn.Module):
    """Learned queries that read intrinsic identity and face structure, layer by layer."""

    def __init__(self, sizes: IDEmbeddingSizes):
        super().__init__()
        self.latents = nn.Parameter(torch.empty(1, sizes.tokens, sizes.dim))
        self.proj_id = _projection(sizes.intrinsic, sizes.hidden_intrinsic, sizes.dim)
        self.proj_clip = _projection(sizes.structure, sizes.hidden_structure, sizes.dim)
        self.layers = nn.ModuleList(_layer(sizes) for _ in range(sizes.depth))
        self.proj_out = nn.Linear(sizes.dim, sizes.output)
        self.norm_out = nn.LayerNorm(sizes.output)

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Tensor], *, dim_head: int = 64) -> IDEmbedding:
        """Build the module that a state dict was saved from, in float32.

        Args:
            state_dict: keys as published (`faceid_proj`, without that prefix).
            dim_head: width of one attention head, the only size that the shapes do not tell.

        Raises:
            UnknownCheckpointError: if keys or shapes are not those of an ID embedding.
        """
        axes = {"latents": 3, "layers.0.0.to_q.weight": 2, "layers.0.2.1.weight": 2, "proj_out.weight": 2}
        require_keys(state_dict, axes | {"proj_id.0.weight": 2, "proj_clip.0.weight": 2}, _NAME)
        shape = {key: tuple(tensor.shape) for key, tensor in state_dict.items()}
        inner = shape["layers.0.0.to_q.weight"][0]
        if inner % dim_head:
            raise UnknownCheckpointError(
                f"{_NAME} has attention {inner} wide, which heads of {dim_head} do not divide; "
                "load a published file or pass its dim_head."
            )
        sizes = IDEmbeddingSizes(
            tokens=shape["latents"][1],
            dim=shape["latents"][2],
            dim_head=dim_head,
            inner=inner,
            depth=layer_count(shape, "layers.", _NAME),
            intrinsic=shape["proj_id.0.weight"][1],
            structure=shape["proj_clip.0.weight"][1],
            hidden_intrinsic=shape["proj_id.0.weight"][0],
            hidden_structure=shape["proj_clip.0.weight"][0],
            hidden_feed=shape["layers.0.2.1.weight"][0],
            output=shape["proj_out.weight"][0],
        )
        with torch.device("meta"):
            module = cls(sizes)
        return load_strictly(module, state_dict, _NAME)

    @property
    def structure_width(self) -> int:
        """Ds, width of the structure features."""
        return cast(nn.Linear, self.proj_clip[0]).in_features

    @property
    def num_tokens(self) -> int:
        """T, tokens per identity."""
        return self.latents.shape[1]

    def forward(
        self,
        intrinsic: Tensor,
        structure: Tensor,
        structure_scale: float | Tensor,
        *,
        intrinsic_mask: Tensor | None = None,
        structure_mask: Tensor | None = None,
        intrinsic_scores: Tensor | None = None,
        structure_scores: Tensor | None = None,
    ) -> Tensor:
        """Identity tokens of faces.

        Args:
            intrinsic: deepest backbone features, (B, Ti, Di).
            structure: shallow backbone and CLIP features, (B, Ts, Ds).
            structure_scale: multiplies what each layer reads from the structure; 0 leaves it out exactly. A tensor
                (layers, B) gives every layer and row a factor of its own (training).
            intrinsic_mask, structure_mask: 1 keeps a token, 0 drops it, (B, Ti) or (B, Ti, 1), likewise Ts.
            intrinsic_scores, structure_scores: added to the scores of a token, (1, Ti) and (1, Ts): log w of one that counts
                w times.

        Returns:
            (B, T, D), layer-normed.

        Raises:
            ShapeError: if the features have another width than the module was trained for.
        """
        require_shape("intrinsic", intrinsic, ("B", "Ti", cast(nn.Linear, self.proj_id[0]).in_features))
        require_shape(
            "structure", structure, (intrinsic.shape[0], "Ts", cast(nn.Linear, self.proj_clip[0]).in_features)
        )
        keep_intrinsic, keep_structure = (
            None if mask is None else mask.reshape(mask.shape[0], -1) for mask in (intrinsic_mask, structure_mask)
        )
        intrinsic, structure = self.proj_id(intrinsic), self.proj_clip(structure)  # (B, Ti, dim), (B, Ts, dim)
        queries = self.latents.expand(intrinsic.shape[0], -1, -1)
        for place, layer in enumerate(self.layers):
            read_intrinsic, read_structure, feed = cast(nn.ModuleList, layer)
            queries = queries + read_intrinsic(intrinsic, queries, keep_intrinsic, intrinsic_scores)
            scale = structure_scale[place, :, None, None] if isinstance(structure_scale, Tensor) else structure_scale
            if isinstance(scale, Tensor) or scale != 0:
                queries = queries + scale * read_structure(structure, queries, keep_structure, structure_scores)
            queries = queries + feed(queries)
        return self.norm_out(self.proj_out(queries))


def _projection(features: int, hidden: int, dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(features, hidden), nn.GELU(), nn.Linear(hidden, dim))


def _layer(sizes: IDEmbeddingSizes) -> nn.ModuleList:
    """Intrinsic attention, structure attention, feed-forward, in the published order."""
    return nn.ModuleList(
        [
            PerceiverAttention(sizes.dim, sizes.inner, sizes.dim_head),
            PerceiverAttention(sizes.dim, sizes.inner, sizes.dim_head),
            feed_forward(sizes.dim, sizes.hidden_feed),
        ]
    )
