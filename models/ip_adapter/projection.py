"""The optional image prompt: IP-Adapter's projection of a pooled CLIP embedding to a few context tokens.

IP-Adapter (arXiv:2308.06721), section 3.2.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from einops import rearrange
from torch import Tensor, nn

from ..errors import require_shape
from ..weights.state_dict import load_strictly, require_keys

_NAME = "The image prompt projection"


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

    def forward(self, embedding: Tensor) -> Tensor:
        """Context tokens (B, T, D) of pooled CLIP embeddings (B, Di)."""
        require_shape("embedding", embedding, ("B", self.proj.in_features))
        return self.norm(rearrange(self.proj(embedding), "b (t d) -> b t d", d=self.norm.normalized_shape[0]))

    def null(self) -> Tensor:
        """The negative side's tokens, (1, T, D): the projection of a zero embedding."""
        return self(self.proj.weight.new_zeros(1, self.proj.in_features))
