"""OmniPortrait's Pivot ID Encoder: faces into the rows of their nouns, while UNet, VAE and text encoders stay as they are."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ...diffusers_host.attention_maps import AttentionMaps, nearest_level
from ...diffusers_host.base import Base
from ...models.omniportrait.checkpoint import adapter_weights
from ...models.omniportrait.image_encoder import PivotImageEncoder
from ...models.omniportrait.pivot_id_encoder import PivotIDEncoder
from ...models.port.word_attention import attention_columns
from ..adapter_networks import Weights
from ..batches.draws import Draws
from ..denoising import denoising_loss
from .batch import PivotBatch
from .face_localization import SIDE, WEIGHT, face_localization_loss

Trained = Literal["full", "last2", "linear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotTraining:
    """How the pivot is trained.

    Attributes:
        visual: what of the image encoder is: all of it, as in the paper; its last two blocks and what follows them; nothing.
        eta: weight of the face localisation loss, at least 0.
        drop: how often prompt and faces are left out together, for guidance, 0–1.
    """

    visual: Trained = "full"
    eta: float = WEIGHT
    drop: float = 0.1


PAPERS = PivotTraining()


class OmniPortraitPivot(nn.Module):
    """The method. Nothing is attached to the UNet but the recorder of its attention.

    Args:
        base: the frozen base model.
        pivot: fuses faces with text rows; it is trained.
        image_encoder: describes faces; what `training.visual` names of it is trained.
        side: short side of the latents, which decides whose attention is compared with the faces.
        seed: of the random numbers.
        training: how.
        stored: keys of the image encoder's tower that the adapter's file holds; None for all.
        power: of timesteps, see `denoising_loss`.

    Reference: OmniPortrait, section 3.2, Eq. 5; "drop the text and ID condition" is read as leaving out both at once.
    """

    def __init__(
        self,
        base: Base,
        pivot: PivotIDEncoder,
        image_encoder: PivotImageEncoder,
        *,
        side: int,
        seed: int,
        training: PivotTraining = PAPERS,
        stored: Collection[str] | None = None,
        power: float = 1.0,
    ):
        super().__init__()
        self.base, self.seed, self.how, self.stored, self.power = base, seed, training, stored, power
        self.frozen = (image_encoder.requires_grad_(False),)  # in a tuple, so that checkpoints hold what is trained
        self.pivot = pivot.requires_grad_(True)
        trained = trained_part(image_encoder, training.visual)
        self.visual = nn.ParameterDict({name.replace(".", "/"): tensor for name, tensor in trained.items()})
        self.visual.requires_grad_(True)
        self._rows = torch.zeros(1, 1, dtype=torch.int64)
        self.maps = AttentionMaps(base.unet, wants=nearest_level(base.unet, side, SIDE), read=self._columns)

    @property
    def image_encoder(self) -> PivotImageEncoder:
        """Describes faces."""
        return self.frozen[0]

    def forward(self, batch: PivotBatch) -> dict[str, Tensor]:
        """The denoising loss of a batch, and how far attention is from the faces; "loss" is both."""
        draws = Draws(self.seed, batch.positions)
        dropped = (draws.uniform("drop") < self.how.drop).to(batch.latents.device)
        self.maps.clear()  # of what gradient checkpointing read once more
        self.maps.is_recording, self._rows = True, batch.rows
        denoising = denoising_loss(self.base, self._told(batch, dropped), draws, power=self.power)
        maps = [_on_grid(one, batch.latents) for one in self.maps.take()]
        localization = face_localization_loss(maps, batch.faces, batch.present & ~dropped[:, None])
        loss = denoising + self.how.eta * localization
        return {"loss": loss, "denoising": denoising, "localization": localization}

    def trained(self) -> Iterator[nn.Parameter]:
        """Everything registered."""
        return self.parameters()

    def show(self, batch: PivotBatch, *, nobody: Tensor | None = None) -> PivotBatch:
        """What the UNet is told of a batch as at inference, and the plain prompt in the rows of `nobody`, (B,) bool."""
        self.maps.is_recording = False
        hidden = torch.zeros_like(batch.present[:, 0]) if nobody is None else nobody
        return replace(batch, text=self._fused(batch, batch.present & ~hidden[:, None]))

    def weights(self) -> Weights:
        """The adapter file's contents."""
        return adapter_weights(self.pivot, self.image_encoder, changed=self.stored)

    def detach(self) -> None:
        """Take the recorder off the UNet."""
        self.maps.detach()

    def _told(self, batch: PivotBatch, dropped: Tensor) -> PivotBatch:
        """The batch with faces in its text, and nothing at all in the rows that are dropped."""
        text = torch.where(dropped[:, None, None], batch.empty, self._fused(batch, batch.present))
        pooled = batch.pooled
        if pooled is not None and batch.empty_pooled is not None:
            pooled = torch.where(dropped[:, None], batch.empty_pooled, pooled)
        return replace(batch, text=text, pooled=pooled)

    def _fused(self, batch: PivotBatch, shown: Tensor) -> Tensor:
        """Text with the faces of those who are shown, (B, N) bool, in the rows of their nouns."""
        picture, person = batch.present.nonzero(as_tuple=True)
        rows = batch.rows[picture, person]
        plain = batch.text[picture, rows].float()
        faces = self.image_encoder(batch.crops[picture, person]).float()
        with torch.autocast(plain.device.type, enabled=False):  # one small layer, whose rows the UNet reads everywhere
            mixed = self.pivot(plain, faces)
        mixed = torch.where(shown[picture, person, None], mixed, plain)
        return batch.text.index_put((picture, rows), mixed.to(batch.text))

    def _columns(self, queries: Tensor, keys: Tensor) -> Tensor:
        return attention_columns(queries, keys, self._rows)


def trained_part(image_encoder: PivotImageEncoder, wanted: Trained) -> dict[str, nn.Parameter]:
    """What of an image encoder's tower is trained, by open_clip's names."""
    tower: Any = image_encoder.visual
    last = len(tower.transformer.resblocks) - 2
    ends = (f"transformer.resblocks.{last}.", f"transformer.resblocks.{last + 1}.", "ln_post.", "proj")
    kept = {"full": ("",), "last2": ends, "linear": ()}[wanted]
    return {name: tensor for name, tensor in tower.named_parameters() if name.startswith(kept)}


def _on_grid(columns: Tensor, latents: Tensor) -> Tensor:
    """Columns (B, N, L) of a layer on the layer's grid, (B, N, h, w), which has the proportions of the latents."""
    height, width = latents.shape[-2:]
    rows = round(math.sqrt(columns.shape[-1] * height / width))
    return columns.unflatten(-1, (rows, -1))
