"""IP-Adapter draws one person, everywhere in the picture."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from .....diffusers_host.base import require_fit
from .....diffusers_host.encoders import ClipEmbedder, ClipEncoder
from .....diffusers_host.image_embedder import load_image_embedder
from .....diffusers_host.image_encoder import load_image_encoder
from .....models.adapters.identity_attention import people_residual
from .....models.errors import MissingModelFileError
from .....models.ip_adapter.checkpoint import IPAdapter, load
from .....models.ip_adapter.encode import Looking, encode_people
from .....models.ip_adapter.encoders import IPAdapterEncoders
from .....models.people.person import People
from .....models.people.remembered import RememberedEmbedder, RememberedImageEncoder, RememberedRecogniser
from .....models.placement.placements import Everywhere
from ..method import Applied, Asked, Lent
from .config import IPAdapterConfig

ACTIVATION = "gelu"  # of both of OpenCLIP's, ViT-H and ViT-bigG, whose embeddings IP-Adapters read


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class IPAdapterMethod:
    """IP-Adapter; a `Method`.

    Attributes:
        adapter: its weights.
        encoders: look at photos.
        looking: how.
        strength: of the person.
    """

    adapter: IPAdapter
    encoders: IPAdapterEncoders
    looking: Looking
    strength: float

    def apply(self, people: People, asked: Asked) -> Applied:
        """See `Method`."""
        del asked
        adapter = self.adapter
        encoded = encode_people(people.people, self.encoders, adapter, self.looking)
        residual = people_residual(
            adapter.attention, people.people, encoded, Everywhere(len(people)), strength=self.strength
        )
        return Applied(residuals=(residual,), lora=adapter.lora)


def load_method(config: IPAdapterConfig, lent: Lent) -> IPAdapterMethod:
    """Read its files.

    Raises:
        MissingModelFileError: if it needs an encoder that is not named.
        UnknownCheckpointError: if a file is something else.
        IncompatibleBaseModelError: if the base model is of another architecture.
    """
    adapter = load(config.adapter, lora=config.lora, version=config.version, dtype=lent.dtype)
    require_fit(lent.base, adapter.widths, adapter.context_dim, name=config.adapter.name)
    network: nn.Module = adapter.projection
    for part in (network, adapter.attention):
        part.to(lent.device)
    return IPAdapterMethod(
        adapter=adapter,
        encoders=_encoders(config, adapter, lent),
        looking=Looking(s_scale=config.s_scale),
        strength=config.strength,
    )


def _encoders(config: IPAdapterConfig, adapter: IPAdapter, lent: Lent) -> IPAdapterEncoders:
    clip = embedder = recogniser = None
    if adapter.needs_clip:
        if config.image_encoder is None:
            wanted = f" ({adapter.encoder})" if adapter.encoder else ""
            raise MissingModelFileError(
                f"[drawing] image_encoder is missing; {config.adapter.name} reads the CLIP vision model that it was trained "
                f"with{wanted}: name its file."
            )
        if adapter.reads_pooled:
            network = load_image_embedder(config.image_encoder, activation=ACTIVATION, dtype=lent.dtype)
            embedder = RememberedEmbedder(ClipEmbedder(network.to(lent.device)))
        else:
            network = load_image_encoder(config.image_encoder, dtype=lent.dtype)
            clip = RememberedImageEncoder(ClipEncoder(network.to(lent.device)))
    if adapter.needs_face:
        if config.recogniser is None:
            raise MissingModelFileError(
                f"[drawing] recogniser is missing; {config.adapter.name} reads faces: name arcface, and its file in "
                "recogniser_weights."
            )
        recogniser = RememberedRecogniser(lent.networks.recognisers[config.recogniser].load(config.recogniser_weights))
    return IPAdapterEncoders(clip=clip, embedder=embedder, recogniser=recogniser)
