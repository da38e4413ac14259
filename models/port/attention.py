"""The port between science and host: what an attention layer offers and what may be added to it.

`host/unet/attention.py` implements it for ComfyUI's UNet, `diffusers_host/attention.py` for diffusers'.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol

from torch import Tensor

if TYPE_CHECKING:
    from .guidance import Pull


class Polarity(IntEnum):
    """Which side of classifier-free guidance a batch row belongs to."""

    NEGATIVE = -1
    MIDDLE = 0
    POSITIVE = 1


@dataclass(frozen=True, slots=True)
class AttentionSite:
    """One attention layer of a UNet, independent of who runs it.

    Attributes:
        kind: self- or cross-attention.
        block: (stage, block, transformer) in ComfyUI's numbering, stage one of input, output, middle.
        index: running number over all attention layers: self before cross in every transformer block, stages in the
            order input, output, middle (the numbering of the published adapters).
        channels: C, width of the layer's hidden states.
        path: the layer's module path in the host's UNet; only the host that made the site reads it.
    """

    kind: Literal["self", "cross"]
    block: tuple[str, int, int]
    index: int
    channels: int
    path: str


@dataclass(frozen=True, slots=True)
class Crop:
    """Where a row's picture lies in the whole latent, all in latent cells (ComfyUI's area conditioning).

    Attributes:
        top, left, height, width: the area that this row shows.
        full_height, full_width: size of the whole latent.
    """

    top: int
    left: int
    height: int
    width: int
    full_height: int
    full_width: int


@dataclass(frozen=True, eq=False, slots=True)
class TextRows:
    """The prompt as one layer sees it, where parts of it belong to people.

    Attributes:
        keys, values: projected rows of the text, heads not split, (B, S, C).
        owners: of every row, length S: the place of a person, or -1 for everybody.
    """

    keys: Tensor
    values: Tensor
    owners: tuple[int, ...]


@dataclass(eq=False, slots=True)
class Run:
    """One sampling run.

    Attributes:
        memo: results that stay valid until the run ends (projected keys and values); freed with it.
        recorder: takes the placement of every call, or None when nobody asked for a routing map.
        guidance_recorder: takes what guidances do, or None when nobody asked.
        notes: what residuals that only look on have seen in the guided passes; None in all others, where they need not look.
        found: what is known of the picture so far, such as where people are; without a graph, so that guided passes share it.
    """

    memo: dict[Hashable, Any] = field(default_factory=dict)
    recorder: PlacementRecorder | None = None
    guidance_recorder: GuidanceRecorder | None = None
    notes: dict[Hashable, Any] | None = None
    found: dict[Hashable, Any] = field(default_factory=dict)

    def remember(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """The value stored under a key, computed at the first request."""
        if key not in self.memo:
            self.memo[key] = compute()
        return self.memo[key]


@dataclass(frozen=True, eq=False, slots=True)
class AttentionCall:
    """What a residual may look at, for a contiguous group of batch rows of one polarity.

    The host calls a residual once per group, so a residual never sorts rows itself.

    Attributes:
        hidden: normed input of the attention layer, before any projection, (B, L, C).
        query: projected query, heads not split, (B, L, C).
        base: what the unmodified attention returned, before the output projection, (B, L, C); None where the host
            cannot know it because another patch owns the layer.
        heads: number of attention heads; C is divisible by it.
        grid: (h, w) with h·w == L.
        polarity: side of the guidance that these rows belong to.
        samples: the picture of every row, by its number in the whole run, length B; in any order, and not all of them.
        sigma: noise level, in the sampler's own units (ComfyUI: VE sigma); read once per UNet call.
        crop: the part of the latent these rows show, or None for all of it.
        run: the sampling run, for caches and recorders.
        text: the prompt's rows, or None where no row belongs to one person alone.
    """

    hidden: Tensor
    query: Tensor
    base: Tensor | None
    heads: int
    grid: tuple[int, int]
    polarity: Polarity
    samples: tuple[int, ...]
    sigma: float
    crop: Crop | None
    run: Run
    text: TextRows | None = None


class AttentionResidual(Protocol):
    """Something that adds to the output of attention layers."""

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor | None:
        """What to add before the output projection, (B, L, C); None adds nothing."""
        ...

    def wants(self, site: AttentionSite) -> bool:
        """Whether the layer concerns this residual at all; asked once, when it is attached."""
        ...


class PlacementRecorder(Protocol):
    """Collects who was placed where."""

    def record(
        self, names: tuple[str, ...], call: AttentionCall, weights: Tensor, site: AttentionSite | None = None
    ) -> None:
        """Take the weights (B, L, N) of one call of a layer, one name per person."""
        ...

    def compare(self, before: Tensor, now: Tensor) -> None:
        """Take who was chosen at the positions of a layer, (B, L) int64, at one noise level and at the next choice."""
        ...


class GuidanceRecorder(Protocol):
    """Collects how people were pulled."""

    skipped: int

    def note(self, sigma: float, pulls: Sequence[Pull], pictures: Sequence[int] | None = None) -> None:
        """Take everybody's similarity and mask at a noise level, of all pictures or of those with some numbers."""
        ...

    def correction(self, sigma: float, before: Tensor, after: Tensor, added: Tensor | None) -> None:
        """Take how far the denoised latent was moved, and what classifier-free guidance had added to it."""
        ...
