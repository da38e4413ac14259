"""The miniature on diffusers: references and a sentence in, latents and a routing map out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from ...diffusers_host.base import Base
from ...diffusers_host.encoders import PlainBackbone
from ...diffusers_host.face_encoder import FaceEncoder
from ...models.adapters.identity_attention import EncodedPeople, people_residual
from ...models.adapters.weights import LoRA
from ...models.face.analysis import analyze
from ...models.ip_adapter.checkpoint import IPAdapter
from ...models.ip_adapter.checkpoint import load as load_ip_adapter
from ...models.ip_adapter.encode import Looking
from ...models.ip_adapter.encode import encode_people as encode_faces
from ...models.ip_adapter.encoders import IPAdapterEncoders
from ...models.miniature.files import BASE, FACES, IP_ADAPTER, UNIPORTRAIT, read_uniportrait
from ...models.miniature.finder import FaceFinder, FinderDetector
from ...models.people.person import People, Person, PersonSettings
from ...models.people.photo import photos_of
from ...models.port.attention import Run
from ...models.records.placements import PlacementMaps, PlacementRecord
from ...models.uniportrait.application import lora_for, placement_of
from ...models.uniportrait.checkpoint import UniPortraitAdapter
from ...models.uniportrait.encode import encode_people
from ..networks.checkpoint import read_base
from ..networks.faces import read_faces
from .drawing import Settings, draw_latents

Method = Literal["UniPortrait", "IP-Adapter"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Shot:
    """Pictures to draw.

    Attributes:
        prompt: what they show.
        noise: of all of them, (B, C, h, w).
        references: (H, W, 3) uint8 of each person; nobody draws with the base alone.
        strength: of every person, 0–2.
        structure_scale: 0–1, of UniPortrait.
        is_routed: whether the router places several people; else those without a mask are everywhere, in equal parts.
        masks: where people are, (M, H, W) float, 0–1 each; one for everybody, or none.
        method: what brings people in: UniPortrait, or IP-Adapter FaceID, of which one vector of a face is all. The router is
            UniPortrait's with either.
    """

    prompt: str
    noise: Tensor
    references: tuple[np.ndarray, ...] = ()
    strength: float = 1.0
    structure_scale: float = 0.3
    is_routed: bool = True
    masks: tuple[Tensor, ...] = ()
    method: Method = "UniPortrait"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Studio:
    """The networks that a picture needs.

    Attributes:
        base: VAE, UNet and text encoder.
        finder: finds the face of a reference.
        faces: describes it.
        adapter: UniPortrait.
        ip_adapter: IP-Adapter FaceID.
    """

    base: Base
    finder: FaceFinder
    faces: FaceEncoder
    adapter: UniPortraitAdapter
    ip_adapter: IPAdapter

    @classmethod
    def load(cls) -> Studio:
        """Read the files that came with the pack.

        Raises:
            MissingModelFileError: if one of them is not there.
            UnknownCheckpointError: if one of them is something else.
        """
        networks, faces = read_faces(FACES)
        return cls(
            base=read_base(BASE),
            finder=networks.finder,
            faces=faces,
            adapter=read_uniportrait(UNIPORTRAIT),
            ip_adapter=load_ip_adapter(IP_ADAPTER),
        )

    def people(self, shot: Shot) -> People:
        """The people of a shot, in order.

        Raises:
            NoFaceFoundError: if nobody is found in a reference.
            ValueError: if there are masks, and not one for everybody.
        """
        chain, detector = People(), FinderDetector(self.finder)
        everywhere = None if shot.is_routed or len(shot.references) < 2 else torch.ones(1, 8, 8)
        masks = shot.masks or (everywhere,) * len(shot.references)
        for reference, mask in zip(shot.references, masks, strict=True):
            faces = analyze([reference], detector)
            settings = PersonSettings(strength=shot.strength)
            photos = photos_of(faces, detector, is_chosen=False)
            chain = chain.add(Person(name="", photos=photos, mask=mask, settings=settings))
        return chain

    def encode(self, people: People, structure_scale: float) -> EncodedPeople:
        """UniPortrait's tokens of some people."""
        return encode_people(people.people, self.faces.encoders, self.adapter.id_embedding, structure_scale)

    def encode_faces(self, people: People) -> EncodedPeople:
        """IP-Adapter FaceID's tokens of some people."""
        encoders = IPAdapterEncoders(recogniser=PlainBackbone(self.faces.backbone))
        return encode_faces(people.people, encoders, self.ip_adapter, Looking())

    @torch.no_grad()
    def draw(self, shot: Shot, settings: Settings) -> tuple[Tensor, PlacementMaps | None]:
        """Draw a shot; return its latents as the UNet takes them, (B, C, h, w), and where people were placed.

        Raises:
            NoFaceFoundError: see `people`.
        """
        record = PlacementRecord()
        prompts = [shot.prompt] * len(shot.noise)
        if not shot.references:
            return draw_latents(self.base, prompts, shot.noise, settings), None
        people = self.people(shot)
        encoded = self.encode(people, shot.structure_scale)
        placement = placement_of(self.adapter, people.people, encoded.tokens)
        attention: nn.ModuleDict = self.adapter.face_attention
        lora: LoRA | None = lora_for(self.adapter, len(people))
        if shot.method == "IP-Adapter":
            encoded, attention, lora = self.encode_faces(people), self.ip_adapter.attention, self.ip_adapter.lora
        residual = people_residual(attention, people.people, encoded, placement, strength=1.0)
        run = Run(recorder=record)
        latents = draw_latents(self.base, prompts, shot.noise, settings, residual=residual, lora=lora, run=run)
        return latents, record.maps()
