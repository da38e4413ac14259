"""The second port between science and host: what a sampling step shows to a guidance, and what it pulls at.

`host/guidance/attach.py` implements it for ComfyUI's samplers.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor

from .word_attention import WordAttention


@dataclass(frozen=True, slots=True)
class FeatureCapture:
    """Where features are read.

    Attributes:
        block: number of the output block, in ComfyUI's numbering, whose result is read; the block after it must exist.
    """

    block: int


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class GuidedStep:
    """One noise level as a guidance sees it, in the conditional pass.

    Attributes:
        features: captured ones, (B, C, h, w); they carry the graph back to the latent.
        size: (H, W) of the latent.
        sigma: noise level, VE.
        denoised: what the conditional pass takes for the finished latent, as the VAE takes it, (B, C', H, W), without a
            graph.
        attention: to the people's words; None where the guidance does not ask for it or the prompt names nobody.
        pictures: number in the run of every row; None where the rows are all pictures in order.
        memory: what this guidance has kept since the run began, of these pictures.
        notes: what residuals saw in this pass, see `Run`; whoever reads a note takes it out.
    """

    features: Tensor
    size: tuple[int, int]
    sigma: float
    denoised: Tensor
    attention: WordAttention | None = None
    pictures: tuple[int, ...] | None = None
    memory: dict[Hashable, Any] = field(default_factory=dict)
    notes: dict[Hashable, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, slots=True)
class Pull:
    """One energy, and where its gradient may act.

    Attributes:
        name: whose it is, for the record.
        energy: of every row, (B,); rows without any are 0 and get no gradient.
        mask: (B or 1, 1, H, W), 0–1, at the latent's size.
        likeness: of every row, (B,), 0–1, for the record; NaN where nobody was found.
    """

    name: str
    energy: Tensor
    mask: Tensor
    likeness: Tensor


@dataclass(frozen=True, slots=True)
class NoiseLevels:
    """Where a sampler stands.

    Attributes:
        current: noise level of the step, VE.
        following: that of the next step; 0 at the end, or where nobody knows.
    """

    current: float
    following: float = 0.0


class FeatureReader(Protocol):
    """Reads the features of a finished latent from the model that samples."""

    @property
    def network(self) -> object:
        """What is read from; features are remembered no longer than it lives."""
        ...

    @property
    def key(self) -> Hashable:
        """Equal for readers of one network that read the same of a latent: prompt, block, and what changes the network."""
        ...

    def of(self, place: int) -> FeatureReader:
        """The reader with the words that a person is drawn with, where a prompt has several parts.

        Args:
            place: of the person in the chain.
        """
        ...

    def __call__(self, latent: Tensor, percent: float, seed: int) -> Tensor:
        """Return the features where the guidance captures them.

        Args:
            latent: of a picture, as the VAE gives it, (1, C, H, W).
            percent: how far the noise that is put on it has come down: 0 is pure noise, 1 none.
            seed: of that noise.

        Returns:
            (C', h, w), without a graph.
        """
        ...


class GradientGuidance(Protocol):
    """Pulls the denoised latent by the gradient of an energy."""

    @property
    def name(self) -> str:
        """For the log."""
        ...

    @property
    def capture(self) -> FeatureCapture:
        """Where its features are read."""
        ...

    @property
    def every(self) -> int:
        """How many evaluations of the model share one gradient; 1 for a new one each."""
        ...

    @property
    def wants_attention(self) -> bool:
        """Whether it looks at the attention to the people's words."""
        ...

    def prepare(self, read: FeatureReader) -> GradientGuidance:
        """This guidance with everything that it has to read before it can act; asked for once in a run."""
        ...

    def is_active(self, sigma: float) -> bool:
        """Whether it acts at a noise level."""
        ...

    def pulls(self, step: GuidedStep) -> Sequence[Pull]:
        """The energies of a step, one per person."""
        ...

    def correct(self, denoised: Tensor, gradient: Tensor, guidance: Tensor | None, levels: NoiseLevels) -> Tensor:
        """The guided denoised latent.

        Args:
            denoised: of the whole guided step, (B, C, H, W).
            gradient: of the energies in the noisy latent, inside the masks, (B, C, H, W).
            guidance: what classifier-free guidance has changed, (B, C, H, W); None where there was none.
            levels: where the sampler stands.
        """
        ...
