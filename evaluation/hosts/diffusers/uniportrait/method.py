"""UniPortrait draws: everybody at the places that its router gives them."""

from __future__ import annotations

from dataclasses import dataclass

from .....diffusers_host.base import require_fit
from .....diffusers_host.encoders import ClipEncoder, PlainBackbone
from .....diffusers_host.image_encoder import load_image_encoder
from .....models.adapters.identity_attention import people_residual
from .....models.people.person import People
from .....models.people.remembered import RememberedBackbone, RememberedImageEncoder
from .....models.uniportrait.application import lora_for, placement_of, structure_for
from .....models.uniportrait.checkpoint import UniPortraitAdapter, load, load_backbone
from .....models.uniportrait.encode import UniPortraitEncoders, encode_people
from ..method import Applied, Asked, Lent
from .config import UniPortraitConfig


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class UniPortrait:
    """UniPortrait; a `Method`.

    Attributes:
        adapter: its weights.
        encoders: look at photos.
        strength: of a person.
        structure_scale: 0–1; below 0 it is chosen by the number of people.
    """

    adapter: UniPortraitAdapter
    encoders: UniPortraitEncoders
    strength: float
    structure_scale: float

    def apply(self, people: People, asked: Asked) -> Applied:
        """See `Method`."""
        del asked
        everybody, adapter = people.people, self.adapter
        scale = structure_for(len(everybody), self.structure_scale)
        encoded = encode_people(everybody, self.encoders, adapter.id_embedding, scale)
        placement = placement_of(adapter, everybody, encoded.tokens)
        residual = people_residual(adapter.face_attention, everybody, encoded, placement, strength=self.strength)
        return Applied(residuals=(residual,), lora=lora_for(adapter, len(everybody)))


def load_method(config: UniPortraitConfig, lent: Lent) -> UniPortrait:
    """Read its files.

    Raises:
        UnknownCheckpointError: if a file is something else.
        IncompatibleBaseModelError: if the base model is of another architecture.
    """
    adapter = load(config.adapter, config.router, dtype=lent.dtype)
    require_fit(lent.base, adapter.widths, adapter.context_dim, name=config.adapter.name)
    for network in (adapter.id_embedding, adapter.face_attention, adapter.routers):
        network.to(lent.device)
    clip = load_image_encoder(config.image_encoder, dtype=lent.dtype).to(lent.device)
    return UniPortrait(
        adapter=adapter,
        encoders=UniPortraitEncoders(
            clip=RememberedImageEncoder(ClipEncoder(clip)),
            backbone=RememberedBackbone(PlainBackbone(load_backbone(config.backbone).to(lent.device))),
        ),
        strength=config.strength,
        structure_scale=config.structure_scale,
    )
