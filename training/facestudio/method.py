"""FaceStudio: the shared layer and the UNet learn to draw a picture again from its style without faces, and from its face."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...diffusers_host.attention import RunContext, attach
from ...diffusers_host.base import Base
from ...diffusers_host.key_values import replace_key_values
from ..adapter_networks import Weights
from ..batches.draws import Draws
from ..denoising import denoising_loss
from ..method import Pace
from .batch import Guided, StyleBatch
from .networks import FaceStudioNetworks, facestudio_weights

FASTER = 10.0  # what is new in the light form, against keys and values that begin as the UNet's own; our choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropping:
    """How often a source is left out while training, each 0–1, independently of the other; what is left out is zeros.

    Attributes:
        style: the style embedding.
        face: the face vector.

    Reference: FaceStudio (arXiv:2312.02663), section 4.1. That the two are independent, and zeros, is our reading.
    """

    style: float = 0.64
    face: float = 0.1


PAPERS = Dropping()


class FaceStudio(nn.Module):
    """The method, attached to the base's UNet from the beginning. The guidance is all that cross-attention reads; there is no text.

    Args:
        base: the base model. Its UNet is frozen and comes off unchanged, or is trained as a whole and stays changed.
        networks: new or read from a file, on the base's device; all of them are trained.
        seed: of the random numbers.
        dropping: how often a source is left out.
        faster: learning rate of what is new, in multiples of the rate of the keys and values; without effect where the whole UNet
            is trained.
        power: of timesteps, see `denoising_loss`.

    Reference: FaceStudio (arXiv:2312.02663), section 3.1, Eq. 3, image branch only.
    """

    def __init__(
        self,
        base: Base,
        networks: FaceStudioNetworks,
        *,
        seed: int,
        dropping: Dropping = PAPERS,
        faster: float = FASTER,
        power: float = 1.0,
    ):
        super().__init__()
        self.base, self.networks, self.seed, self.dropping, self.power = base, networks, seed, dropping, power
        self.faster = faster if networks.form == "light" else 1.0
        self.layer, self.pooled, self.attention = networks.layer, networks.pooled, networks.attention
        self.lora, self.unet = networks.lora, base.unet if networks.form == "full" else None
        self.requires_grad_(True)
        self._handles = [replace_key_values(base.unet, self.attention)] if len(self.attention) else []
        if self.lora is not None:
            context = RunContext(sigma=0.0)
            self._handles.append(attach(base.unet, None, lora=self.lora.pairs(), context=context))

    def forward(self, batch: StyleBatch) -> dict[str, Tensor]:
        """The denoising loss of a batch."""
        draws = Draws(self.seed, batch.positions)
        styleless, faceless = self._dropped(draws)
        told = self._guide(batch, styleless.to(batch.style.device), faceless.to(batch.style.device))
        return {"loss": denoising_loss(self.base, told, draws, power=self.power)}

    def trained(self) -> Iterator[nn.Parameter]:
        """Everything registered."""
        return self.parameters()

    def paces(self) -> Iterator[Pace]:
        """Keys and values, or the UNet, at the rate of the run; what is new faster."""
        carried = [*self.attention.parameters(), *(self.unet.parameters() if self.unet is not None else ())]
        known = set(map(id, carried))
        yield Pace(1.0, carried)
        yield Pace(self.faster, [parameter for parameter in self.parameters() if id(parameter) not in known])

    def show(self, batch: StyleBatch, *, nobody: Tensor | None = None) -> Guided:
        """Guide as at inference; rows of `nobody`, (B,) bool, have neither style nor face, as the negative side of guidance."""
        hidden = torch.zeros(len(batch.style), dtype=torch.bool, device=batch.style.device)
        hidden = hidden if nobody is None else nobody
        return self._guide(batch, hidden, hidden)

    def weights(self) -> Weights:
        """What a FaceStudio file holds."""
        return facestudio_weights(self.networks, self.base.unet)

    def detach(self) -> None:
        """Take everything off the base's UNet; one that was trained as a whole keeps what it learned."""
        for restore in self._handles:
            restore()

    def _dropped(self, draws: Draws) -> tuple[Tensor, Tensor]:
        """Which pictures lose their style, and which their face, (B,) bool each."""
        return draws.uniform("drop style") < self.dropping.style, draws.uniform("drop face") < self.dropping.face

    def _guide(self, batch: StyleBatch, styleless: Tensor, faceless: Tensor) -> Guided:
        style, face = batch.style.masked_fill(styleless[:, None], 0), batch.face.masked_fill(faceless[:, None], 0)
        tokens = self.layer(style, face)
        return Guided(
            latents=batch.latents,
            text=tokens,
            pooled=None if self.pooled is None else self.pooled(tokens),
            sizes=batch.sizes,
            weights=batch.weights,
        )
