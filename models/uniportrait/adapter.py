"""What UniPortrait alone does at an attention layer: routing people to places, and the image prompt."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from ..adapters.decoupled_cross_attention import decoupled_cross_attention
from ..adapters.identity_attention import project_tokens
from ..placement.masks import for_rows
from ..port.attention import AttentionCall, AttentionSite, Polarity
from .id_routing import IDRouter


@dataclass(frozen=True, eq=False, slots=True)
class Routed:
    """Every position belongs to the one person whom the site's router prefers.

    On negative rows all identities are the same null identity, so each gets an equal part there and no router runs.

    Attributes:
        routers: `IDRouter` by site index.
        tokens: (N, T, D) identity embeddings of the people to place.

    Reference: UniPortrait (arXiv:2408.05939), ID routing. Deviation: docs/parity.md.
    """

    routers: nn.ModuleDict
    tokens: Tensor

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor:
        """Weights (B, L, N): one-hot on positive rows, 1/N on negative ones."""
        people = self.tokens.shape[0]
        rows, positions, _ = call.hidden.shape
        if people == 1 or call.polarity is Polarity.NEGATIVE:
            return call.hidden.new_full((1, 1, 1), 1 / people).expand(rows, positions, people)
        key = (self, site.index, call.hidden.dtype, call.hidden.device)
        router, folded = call.run.remember(key, lambda: self._prepare(site, call.hidden))
        choice = router.folded_logits(call.hidden, folded).argmax(dim=-1)  # (B, L); the first of equals wins
        return functional.one_hot(choice, people).to(call.hidden.dtype)

    def _prepare(self, site: AttentionSite, like: Tensor) -> tuple[IDRouter, Tensor]:
        router = cast(IDRouter, self.routers[str(site.index)])
        weight = next(router.parameters())
        if (weight.dtype, weight.device) != (like.dtype, like.device):
            router = copy.deepcopy(router).to(like)
        return router, router.fold(self.tokens.to(like)[None])


@dataclass(frozen=True, eq=False, slots=True)
class ImagePromptResidual:
    """The optional IP-Adapter branch of UniPortrait.

    Attributes:
        attention: key and value projections by site index.
        tokens: (1, T, D) projected picture.
        null_tokens: (1, T, D) projection of a zero embedding, for the negative rows.
        strength: factor on the branch (`ip_scale`), > 0.
        mask: (M, H, W) float, or None for the whole picture; resized with nearest neighbours as published.
    """

    attention: nn.ModuleDict
    tokens: Tensor
    null_tokens: Tensor
    strength: float
    mask: Tensor | None = None

    def wants(self, site: AttentionSite) -> bool:
        """Whether the adapter has keys and values for this layer."""
        return site.kind == "cross" and str(site.index) in self.attention

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor:
        """Attention to the image prompt, (B, L, C)."""
        tokens = self.null_tokens if call.polarity is Polarity.NEGATIVE else self.tokens
        keys, values = project_tokens(self, self.attention, tokens, site, call)
        if self.mask is None:
            weights = call.query.new_full((1, 1, 1), self.strength)
        else:
            weights = for_rows(self.mask, call, mode="nearest")[..., None] * self.strength
        return decoupled_cross_attention(call.query, keys, values, weights, call.heads)
