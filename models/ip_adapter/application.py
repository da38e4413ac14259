"""Pictures and people as an IP-Adapter adds them to a UNet, the same in every host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from ..adapters.decoupled_cross_attention import decoupled_cross_attention
from ..adapters.identity_attention import project_tokens
from ..placement.masks import for_rows
from ..placement.windows import ALWAYS, SigmaWindow
from ..port.attention import AttentionCall, AttentionResidual, AttentionSite, Polarity

STRENGTH = 1.0  # of the published code; it recommends half of it beside a prompt

Scaling = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  # keys and values (N, T, C) each, to scaled ones


@dataclass(frozen=True, eq=False, slots=True)
class PictureResidual:
    """Pictures as a prompt, followed in content and style.

    Attributes:
        attention: key and value projections by site index.
        tokens: (1, T, D), of one picture or of several that are joined.
        null_tokens: (1, T', D), for the negative rows.
        strength: factor on the attention to the pictures; 0 adds exactly nothing.
        mask: (M, H, W) float, 0–1, or None for the whole picture.
        window: noise levels at which the pictures act.
        scaling: scales keys and values instead of what is read from them; `strength` is then 1.
        resize: how the mask is brought to a layer's grid; "nearest" is UniPortrait's.

    Reference: IP-Adapter (arXiv:2308.06721), section 3.2, decoupled cross-attention.
    """

    attention: nn.ModuleDict
    tokens: Tensor
    null_tokens: Tensor
    strength: float
    mask: Tensor | None = None
    window: SigmaWindow = ALWAYS
    scaling: Scaling | None = None
    resize: str = "bilinear"

    def wants(self, site: AttentionSite) -> bool:
        """Whether the adapter has keys and values for this layer."""
        return site.kind == "cross" and str(site.index) in self.attention

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor | None:
        """Attention to the pictures, (B, L, C), or None outside the window and at strength 0."""
        if self.strength == 0 or not self.window.contains(call.sigma):
            return None
        keys, values = self._projected(site, call)
        return decoupled_cross_attention(call.query, keys, values, self._weights(call), call.heads)

    def _projected(self, site: AttentionSite, call: AttentionCall) -> tuple[Tensor, Tensor]:
        negative = call.polarity is Polarity.NEGATIVE
        tokens, scaling = self.null_tokens if negative else self.tokens, self.scaling
        projected = project_tokens(self, self.attention, tokens, site, call)
        if scaling is None:
            return projected
        key = (self, "scaled", site.index, negative, call.query.dtype, call.query.device)
        return call.run.remember(key, lambda: scaling(*projected))

    def _weights(self, call: AttentionCall) -> Tensor:
        mask = self.mask
        if mask is None:
            return call.query.new_full((1, 1, 1), self.strength)
        key = (self, "mask", call.grid, call.crop, call.samples, call.query.dtype, call.query.device)
        return call.run.remember(key, lambda: for_rows(mask, call, mode=self.resize)[..., None] * self.strength)


@dataclass(frozen=True, eq=False, slots=True)
class WeightedByLayer:
    """A residual with a factor for every layer.

    Attributes:
        residual: what is weighted.
        factors: by site index; a layer that is not named has 1, one with 0 is left alone.
    """

    residual: AttentionResidual
    factors: Mapping[int, float]

    def wants(self, site: AttentionSite) -> bool:
        """Whether the residual wants the layer and its factor is not 0."""
        return self.factors.get(site.index, 1.0) != 0 and self.residual.wants(site)

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor | None:
        """What the residual adds, (B, L, C), times the layer's factor."""
        added = self.residual(site, call)
        factor = self.factors.get(site.index, 1.0)
        return added if added is None or factor == 1 else added * factor
