"""ConsistentID draws one person: ID tokens everywhere in the picture, and regions of the face in the words of the prompt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from .....diffusers_host.base import Base, require_fit
from .....diffusers_host.encoders import ClipEncoder, PlainParser
from .....diffusers_host.image_encoder import load_image_encoder
from .....models.adapters.identity_attention import always
from .....models.consistentid.application import consistentid_residual
from .....models.consistentid.checkpoint import ConsistentIDAdapter, load
from .....models.consistentid.encode import encode_people, null_region, regions
from .....models.consistentid.encoders import ConsistentIDEncoders
from .....models.consistentid.features import NO_WISHES
from .....models.consistentid.flavour import Flavour, choose_flavour
from .....models.face.parsing import load as load_parser
from .....models.people.person import People
from .....models.people.remembered import RememberedImageEncoder, RememberedParser, RememberedRecogniser
from .....models.placement.placements import Everywhere
from ..method import Applied, Asked, Lent
from .config import ConsistentIDConfig
from .text import FacialText

MERGED_AFTER = 0.6  # of the steps: the published demos merge after step 30 of 50


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ConsistentID:
    """ConsistentID; a `Method`.

    Attributes:
        base: its text encoders are used.
        adapter: its weights.
        flavour: the behaviour.
        encoders: look at photos.
        merge_step: see `ConsistentIDConfig`.
        strength: of the person.
    """

    base: Base
    adapter: ConsistentIDAdapter
    flavour: Flavour
    encoders: ConsistentIDEncoders
    merge_step: int | None
    strength: float

    def apply(self, people: People, asked: Asked) -> Applied:
        """See `Method`."""
        adapter, facial_encoder = self.adapter, self.adapter.facial_encoder
        residual = consistentid_residual(
            adapter,
            people.people,
            encode_people(people.people, self.encoders, adapter.id_projection, self.flavour),
            Everywhere(len(people)),
            places=range(len(people)),
            window=always,
            strength=self.strength,
        )
        text = FacialText(
            encoders=self.base.text_encoders,
            facial_encoder=facial_encoder,
            flavour=self.flavour,
            null_region=partial(null_region, self.encoders, facial_encoder),
            merge_step=round(MERGED_AFTER * asked.steps) if self.merge_step is None else self.merge_step,
        )
        seen = regions(1, people, NO_WISHES, self.encoders, facial_encoder, self.flavour)
        return Applied(residuals=(residual,), lora=adapter.lora, text=text.of(asked, seen))


def load_method(config: ConsistentIDConfig, lent: Lent) -> ConsistentID:
    """Read its files.

    Raises:
        UnknownCheckpointError: if a file is something else.
        IncompatibleBaseModelError: if the base model is of another architecture.
    """
    adapter = load(config.adapter, dtype=lent.dtype)
    require_fit(lent.base, adapter.widths, adapter.context_dim, name=config.adapter.name)
    for network in (adapter.id_projection, adapter.facial_encoder, adapter.attention):
        network.to(lent.device)
    clip = load_image_encoder(config.image_encoder, dtype=lent.dtype).to(lent.device)
    recogniser = lent.networks.recognisers[config.recogniser].load(config.recogniser_weights)
    return ConsistentID(
        base=lent.base,
        adapter=adapter,
        flavour=choose_flavour(adapter, config.mode, "text to image"),
        encoders=ConsistentIDEncoders(
            clip=RememberedImageEncoder(ClipEncoder(clip)),
            parser=RememberedParser(PlainParser(load_parser(config.parser).to(lent.device))),
            recogniser=RememberedRecogniser(recogniser),
        ),
        merge_step=config.merge_step,
        strength=config.strength,
    )
