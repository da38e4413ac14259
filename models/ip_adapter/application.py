"""Pictures and people as an IP-Adapter adds them to a UNet, the same in every host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor, nn

from ..adapters.identity_attention import project_tokens
from ..adapters.token_attention import attend, read
from ..adapters.tokens import Reading, Tokens
from ..placement.masks import rows_of
from ..placement.standing import Standing, kept
from ..placement.windows import ALWAYS, SigmaWindow
from ..port.attention import AttentionCall, AttentionResidual, AttentionSite, Polarity, Run

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
        return attend(call.query, [(len(call.query), self.reading(site, call))], call.heads, call.run)

    def read(self, site: AttentionSite, call: AttentionCall) -> tuple[Reading | None, Tensor | None]:
        """What the rows read, and nothing else; see `ReadingResidual`."""
        return self.reading(site, call), None

    def reading(self, site: AttentionSite, call: AttentionCall) -> Reading | None:
        """What the rows read of the pictures, or None outside the window and at strength 0."""
        if self.strength == 0 or not self.window.contains(call.sigma):
            return None
        return Reading(self._projected(site, call), self._standing(call))

    def _projected(self, site: AttentionSite, call: AttentionCall) -> Tokens:
        negative = call.polarity is Polarity.NEGATIVE
        tokens, scaling = self.null_tokens if negative else self.tokens, self.scaling
        projected = project_tokens(self, self.attention, tokens, site, call, (self.strength,))
        if scaling is None:
            return projected
        key = (self, "scaled", site.index, negative, call.query.dtype, call.query.device)
        return call.run.remember(key, lambda: projected.changed(scaling))

    def _standing(self, call: AttentionCall) -> Standing:
        mask = self.mask
        if mask is None:
            return call.run.remember((self, "everywhere"), lambda: Standing(people=1, is_kept=True))
        key = (self, "mask", call.grid, call.crop, call.samples, call.query.dtype, call.query.device)
        return call.run.remember(key, lambda: kept(rows_of(mask, call, mode=self.resize)[..., None], call.query))


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

    def read(self, site: AttentionSite, call: AttentionCall) -> tuple[Reading | None, Tensor | None]:
        """What the residual reads and adds, both times the layer's factor."""
        factor = self.factors.get(site.index, 1.0)
        reading, added = read(self.residual, site, call)
        if factor == 1:
            return reading, added
        return _weighted(self, reading, factor, call.run), None if added is None else added * factor


def _weighted(owner: object, reading: Reading | None, factor: float, run: Run) -> Reading | None:
    """A reading with a factor on what is read."""
    if reading is None:
        return None
    tokens = reading.tokens

    def weigh() -> Tokens:
        return tokens.changed(lambda keys, values: (keys, values * factor))

    return replace(reading, tokens=run.remember((owner, tokens), weigh) if tokens.is_kept else weigh())
