"""UniPortrait, stage I: the ID embedding, its keys and values and a LoRA learn one person per picture."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...diffusers_host.attention import RunContext, attach
from ...diffusers_host.base import Base
from ...models.placement.placements import Everywhere
from ...models.uniportrait.encode import ReferenceFeatures
from ..adapter_networks import Weights
from ..batches.batch import Batch
from ..batches.draws import Draws
from ..denoising import denoising_loss
from ..shown_people import ShownPeople
from .networks import UniPortraitNetworks, faceid_weights
from .people import NOTHING_DROPPED, Dropping, drop_faces, identity_tokens


class StageOne(nn.Module):
    """Stage I, attached to the base's UNet from the beginning.

    Args:
        base: the frozen base model.
        networks: new or read from a file; all of them are trained.
        null: the features of nobody, from CLIP's tokens of zero pixels.
        dropping: how often parts of the condition are left out.
        seed: of the random numbers.
        power: of timesteps, see `denoising_loss`.

    Reference: UniPortrait (arXiv:2408.05939), section 3.4, stage I.
    """

    def __init__(
        self,
        base: Base,
        networks: UniPortraitNetworks,
        null: ReferenceFeatures,
        *,
        dropping: Dropping,
        seed: int,
        power: float = 1.0,
    ):
        super().__init__()
        self.base, self.networks, self.null, self.dropping, self.seed = base, networks, null, dropping, seed
        self.power = power
        self.id_embedding, self.attention, self.lora = networks.id_embedding, networks.attention, networks.lora
        self.requires_grad_(True)
        self.shown = ShownPeople(self.attention)
        self.detach = attach(base.unet, self.shown, lora=self.lora.pairs(), context=RunContext(sigma=0.0))

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The denoising loss of a batch with one person per picture."""
        draws = Draws(self.seed, batch.positions)
        dropped = drop_faces(batch, draws, self.dropping.face)
        self._show(batch, dropped, draws, self.dropping)
        return {"loss": denoising_loss(self.base, batch, draws, power=self.power)}

    def trained(self) -> Iterator[nn.Parameter]:
        """Everything registered."""
        return self.parameters()

    def show(self, batch: Batch, *, nobody: Tensor | None = None) -> Batch:
        """Show the people of a batch to the UNet as at inference, and nobody in some rows, (B,) bool; gives the batch."""
        draws = Draws(self.seed, batch.positions)
        hidden = torch.zeros_like(batch.present[:, 0]) if nobody is None else nobody
        self._show(batch, hidden, draws, NOTHING_DROPPED)
        return batch

    def weights(self) -> Weights:
        """The published faceid file's contents."""
        return faceid_weights(self.networks)

    def _show(self, batch: Batch, dropped: Tensor, draws: Draws, dropping: Dropping) -> None:
        tokens = identity_tokens(self.id_embedding, batch, self.null, dropped, draws, dropping)
        self.shown.show(tokens, Everywhere(1))
