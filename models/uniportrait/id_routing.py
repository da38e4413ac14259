"""ID routing: which identity every latent position of one attention layer belongs to.

UniPortrait (arXiv:2408.05939), section 3.3. At inference the choice is the bare argmax of unscaled logits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from ..errors import require_shape
from ..weights.state_dict import load_strictly, require_keys

_NAME = "The ID router"


class IDRouter(nn.Module):
    """Two small networks whose dot product says how well an identity fits a position.

    Args:
        channels: C, width of the layer's hidden states.
        hidden_position, hidden_identity: hidden widths of the two networks.
        tokens: T, tokens per identity.
        width: D, width of the identity tokens.
    """

    def __init__(self, *, channels: int, hidden_position: int, hidden_identity: int, tokens: int, width: int):
        super().__init__()
        self.to_q_router = nn.Sequential(
            nn.Linear(channels, hidden_position), nn.GELU(), nn.Linear(hidden_position, channels, bias=False)
        )
        self.to_k_router = nn.Sequential(
            nn.Linear(width, hidden_identity), nn.GELU(), nn.Linear(hidden_identity, channels, bias=False)
        )
        self.aggr_router = nn.Linear(tokens, 1)

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Tensor], *, dtype: torch.dtype | None = None) -> IDRouter:
        """Build the router that a state dict was saved from.

        Args:
            state_dict: keys `to_q_router.*`, `to_k_router.*`, `aggr_router.*`.
            dtype: of the weights; None keeps the file's.

        Raises:
            UnknownCheckpointError: if keys or shapes are not those of a router.
        """
        axes = {"to_q_router.0.weight": 2, "to_k_router.0.weight": 2, "aggr_router.weight": 2}
        require_keys(state_dict, axes, _NAME)
        hidden_position, channels = state_dict["to_q_router.0.weight"].shape
        hidden_identity, width = state_dict["to_k_router.0.weight"].shape
        with torch.device("meta"):
            router = cls(
                channels=channels,
                hidden_position=hidden_position,
                hidden_identity=hidden_identity,
                tokens=state_dict["aggr_router.weight"].shape[1],
                width=width,
            )
        return load_strictly(router, state_dict, _NAME, dtype=dtype)

    @property
    def channels(self) -> int:
        """C, width of the layer this router belongs to."""
        return cast(nn.Linear, self.to_q_router[0]).in_features

    def logits(self, hidden: Tensor, identity_tokens: Tensor) -> Tensor:
        """How well each identity fits each position.

        Args:
            hidden: normed input of the attention layer, before any projection, (B, L, C).
            identity_tokens: output of the ID embedding, (B, N, T, D); B may be 1.

        Returns:
            (B, L, N), unscaled.

        Raises:
            ShapeError: if C, T or D differ from what the router was trained for.
        """
        require_shape("hidden", hidden, ("B", "L", self.channels))
        return self.to_q_router(hidden) @ self._keys(identity_tokens).transpose(-1, -2)

    def assign(self, hidden: Tensor, identity_tokens: Tensor) -> Tensor:
        """Index of the identity that every position belongs to, (B, L) int64; the first wins ties."""
        return self.logits(hidden, identity_tokens).argmax(dim=-1)

    def fold(self, identity_tokens: Tensor) -> Tensor:
        """The part of the logits that does not depend on the position, for `folded_logits`.

        The last layer of the position network is linear without bias: (W2 g) · k = g · (W2ᵀ k).

        Args:
            identity_tokens: (B, N, T, D).

        Returns:
            (B, N, 2C) for the published routers.
        """
        return self._keys(identity_tokens) @ cast(nn.Linear, self.to_q_router[2]).weight

    def fold_differences(self, identity_tokens: Tensor) -> tuple[Tensor, Tensor]:
        """What tells identities apart, for logits in half precision.

        What all of them have in common changes neither choice nor softmax, nor does a positive factor change the choice. Without
        both, logits neither run out of float16's range nor lose the differences between people in their last bits.

        Args:
            identity_tokens: (B, N, T, D) in float32, as the router should be.

        Returns:
            For `folded_logits`: differences to the mean of all N, (B, N, 2C), divided by a power of two so that none exceeds 1.
            And that power, ().
        """
        folded = self.fold(identity_tokens)
        apart = folded - folded.mean(dim=1, keepdim=True)
        _, exponent = torch.frexp(apart.abs().amax())
        power = torch.ldexp(apart.new_ones(()), exponent)
        return apart / power, power

    def folded_logits(self, hidden: Tensor, folded: Tensor) -> Tensor:
        """The same values as `logits`, from identities that were folded before.

        Args:
            hidden: (B, L, C).
            folded: what `fold` gave, (B, N, 2C); B may be 1. Of differences it gives differences.

        Returns:
            (B, L, N).
        """
        require_shape("hidden", hidden, ("B", "L", self.channels))
        return self.to_q_router[1](self.to_q_router[0](hidden)) @ folded.transpose(-1, -2)

    def _keys(self, identity_tokens: Tensor) -> Tensor:
        """One vector per identity, (B, N, C)."""
        tokens, width = self.aggr_router.in_features, cast(nn.Linear, self.to_k_router[0]).in_features
        require_shape("identity_tokens", identity_tokens, ("B", "N", tokens, width))
        aggregated = linear(identity_tokens.transpose(-1, -2), self.aggr_router.weight, self.aggr_router.bias)
        return self.to_k_router(aggregated.squeeze(-1))  # (B, N, D) to (B, N, C)
