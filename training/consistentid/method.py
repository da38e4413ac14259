"""ConsistentID: ID tokens, the facial encoder, keys and values and a LoRA learn one person per picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ...diffusers_host.attention import RunContext, attach
from ...diffusers_host.attention_maps import AttentionMaps
from ...diffusers_host.base import Base
from ...models.placement.placements import Everywhere
from ..adapter_networks import Weights
from ..batches.draws import Draws
from ..denoising import denoising_loss
from ..shown_people import ShownPeople
from .facial_loss import facial_loss
from .networks import ConsistentIDNetworks, consistentid_weights

FACIAL_WEIGHT = 0.01  # of the facial loss, as published


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FacialBatch:
    """B pictures with one person each; K words of their prompts stand for facial regions.

    Attributes:
        positions: of every picture in the run; random numbers depend on them.
        latents: as the UNet takes them, scaled, (B, C, h, w).
        text: rows of the prompts, no region in them, (B, S, D).
        empty: rows of the empty prompt, (1, S, D).
        pooled: the second encoder's pooled text, (B, P); None for SD1.5.
        sizes: see `Batch`, (B, 6); read by SDXL alone.
        vectors: the recogniser's, of length 1, (B, W).
        photo: CLIP's tokens of the photo, class token first, (B, Tv, Wv).
        regions: the same of every region's picture, in the order of the words, (B, K, Tv, Wv).
        words: rows of the words, ascending, (B, K) int64.
        has_word: which of them there are, (B, K) bool.
        places: where the picture shows the regions, (B, K, H, W), 0–1.
        weights: of the positions in the loss, at least 0, (B, 1, h, w); None for all alike.
    """

    positions: tuple[int, ...]
    latents: Tensor
    text: Tensor
    empty: Tensor
    pooled: Tensor | None
    sizes: Tensor
    vectors: Tensor
    photo: Tensor
    regions: Tensor
    words: Tensor
    has_word: Tensor
    places: Tensor
    weights: Tensor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropping:
    """How often parts of the condition are left out while training, each 0–1.

    Attributes:
        person: everything: prompt, vector, photo and regions, as on the negative side of guidance. The published code
            leaves the vector in; the corrected behaviour of the nodes does not.
        regions: the regions alone, as before they are merged into the prompt [choice].
    """

    person: float = 0.1
    regions: float = 0.2


PAPERS = Dropping()


class ConsistentID(nn.Module):
    """The method, attached to the base's UNet from the beginning.

    Args:
        base: the frozen base model.
        networks: all of them are trained.
        null_photo: CLIP's tokens of zero pixels, (1, Tv, Wv).
        seed: of the random numbers.
        dropping: how often parts of the condition are left out.
        power: of timesteps, see `denoising_loss`.

    Reference: ConsistentID (arXiv:2404.16771), sections 3.1 and 3.2; each region goes into its own word, as in the
    corrected behaviour of the nodes, and the facial loss is on cross-attention, as in the paper.
    """

    def __init__(
        self,
        base: Base,
        networks: ConsistentIDNetworks,
        null_photo: Tensor,
        *,
        seed: int,
        dropping: Dropping = PAPERS,
        power: float = 1.0,
    ):
        super().__init__()
        self.base, self.networks, self.null_photo = base, networks, null_photo
        self.seed, self.dropping, self.power = seed, dropping, power
        self.id_projection, self.facial_encoder = networks.id_projection, networks.facial_encoder
        self.attention, self.lora = networks.attention, networks.lora
        self.requires_grad_(True)
        self.shown = ShownPeople(self.attention)
        self._take_off = attach(base.unet, self.shown, lora=self.lora.pairs(), context=RunContext(sigma=0.0))
        self.maps = AttentionMaps(base.unet)

    def forward(self, batch: FacialBatch) -> dict[str, Tensor]:
        """The denoising loss of a batch, and the facial loss; "loss" is both."""
        draws = Draws(self.seed, batch.positions)
        device = batch.latents.device
        nobody = (draws.uniform("drop person") < self.dropping.person).to(device)
        without = nobody | (draws.uniform("drop regions") < self.dropping.regions).to(device)
        self.shown.show(self._tokens(batch, nobody), Everywhere(1))
        fused = batch.has_word & ~without[:, None]
        text = self._fused(torch.where(nobody[:, None, None], batch.empty, batch.text), batch, fused)
        denoising = denoising_loss(self.base, replace(batch, text=text), draws, power=self.power)
        shown = fused & batch.places.flatten(2).any(-1)  # a region that the picture hides says nothing about attention
        facial = facial_loss(self.maps.take(), batch.places, batch.words, shown)
        return {"loss": denoising + FACIAL_WEIGHT * facial, "denoising": denoising, "facial": facial}

    def trained(self) -> Iterator[nn.Parameter]:
        """Everything registered."""
        return self.parameters()

    def weights(self) -> Weights:
        """The published file's contents."""
        return consistentid_weights(self.networks)

    def detach(self) -> None:
        """Take everything off the UNet."""
        self._take_off()
        self.maps.detach()

    def _tokens(self, batch: FacialBatch, nobody: Tensor) -> Tensor:
        """(B, 1, T, D)."""
        vectors = batch.vectors.masked_fill(nobody[:, None], 0)
        photo = torch.where(nobody[:, None, None], self.null_photo.to(batch.photo), batch.photo)
        return self.id_projection(vectors, photo, shortcut=False, s_scale=1.0)[:, None]

    def _fused(self, text: Tensor, batch: FacialBatch, fused: Tensor) -> Tensor:
        """Text rows with regions in those words where `fused`, (B, K) bool, says so."""
        row, place = fused.nonzero(as_tuple=True)
        marked = torch.zeros(text.shape[:2], dtype=torch.bool, device=text.device)
        marked[row, batch.words[row, place]] = True
        return self.facial_encoder(text, batch.regions, marked, fused)
