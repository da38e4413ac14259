"""IP-Adapter FaceID: the projection, its keys and values and a LoRA learn one person per picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ...diffusers_host.attention import RunContext, attach
from ...diffusers_host.base import Base
from ...models.placement.placements import Everywhere
from ..adapter_networks import Weights
from ..batches.draws import Draws
from ..denoising import denoising_loss
from ..shown_people import ShownPeople
from .batch import FaceBatch
from .networks import FaceIDNetworks, faceid_weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropping:
    """How often parts of the condition are left out while training, each 0–1; no two of them at once.

    Attributes:
        face: the face alone, whose vector is zeros then, as on the negative side of guidance.
        text: the prompt alone.
        both: face and prompt.

    Reference: the published training code of IP-Adapter (arXiv:2308.06721).
    """

    face: float = 0.05
    text: float = 0.05
    both: float = 0.05


PAPERS = Dropping()


class FaceID(nn.Module):
    """The method, attached to the base's UNet from the beginning.

    Args:
        base: the frozen base model.
        networks: new or read from a file; all of them are trained.
        seed: of the random numbers.
        dropping: how often parts of the condition are left out.
        power: of timesteps, see `denoising_loss`.

    Reference: IP-Adapter (arXiv:2308.06721), section 3.2, and its published code for FaceID.
    """

    def __init__(
        self,
        base: Base,
        networks: FaceIDNetworks,
        *,
        seed: int,
        dropping: Dropping = PAPERS,
        power: float = 1.0,
    ):
        super().__init__()
        self.base, self.networks, self.seed, self.dropping, self.power = base, networks, seed, dropping, power
        self.projection, self.attention, self.lora = networks.projection, networks.attention, networks.lora
        self.requires_grad_(True)
        self.shown = ShownPeople(self.attention)
        self.detach = attach(base.unet, self.shown, lora=self.lora.pairs(), context=RunContext(sigma=0.0))

    def forward(self, batch: FaceBatch) -> dict[str, Tensor]:
        """The denoising loss of a batch."""
        draws = Draws(self.seed, batch.positions)
        faceless, wordless = self._dropped(draws)
        self._show(batch, faceless.to(batch.latents.device))
        told = _without_words(batch, wordless.to(batch.latents.device))
        return {"loss": denoising_loss(self.base, told, draws, power=self.power)}

    def trained(self) -> Iterator[nn.Parameter]:
        """Everything registered."""
        return self.parameters()

    def show(self, batch: FaceBatch, *, nobody: Tensor | None = None) -> FaceBatch:
        """Show the people of a batch to the UNet as at inference, and nobody in some rows, (B,) bool; gives the batch."""
        hidden = torch.zeros(len(batch.vectors), dtype=torch.bool, device=batch.vectors.device)
        self._show(batch, hidden if nobody is None else nobody)
        return batch

    def weights(self) -> Weights:
        """The published file's contents."""
        return faceid_weights(self.networks)

    def _dropped(self, draws: Draws) -> tuple[Tensor, Tensor]:
        """Which pictures lose their face, and which their prompt, (B,) bool each."""
        chance, how = draws.uniform("drop"), self.dropping
        ends = (how.face, how.face + how.text, how.face + how.text + how.both)
        both = (chance >= ends[1]) & (chance < ends[2])
        return (chance < ends[0]) | both, (chance >= ends[0]) & (chance < ends[1]) | both

    def _show(self, batch: FaceBatch, nobody: Tensor) -> None:
        tokens = self.projection(batch.vectors.masked_fill(nobody[:, None], 0))
        self.shown.show(tokens[:, None], Everywhere(1))


def _without_words(batch: FaceBatch, dropped: Tensor) -> FaceBatch:
    """The batch with the empty prompt in some rows, (B,) bool."""
    pooled = batch.pooled
    if pooled is not None and batch.empty_pooled is not None:
        pooled = torch.where(dropped[:, None], batch.empty_pooled, pooled)
    return replace(batch, text=torch.where(dropped[:, None, None], batch.empty, batch.text), pooled=pooled)
