"""Identity cards in ComfyUI: what is encoded for them, and their folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any, get_args

import torch

from ..models.clip import CLIP_SIZE, clip_pixels
from ..models.consistentid.features import NO_WISHES
from ..models.errors import InvalidSettingError
from ..models.ip_adapter.encode import Looking
from ..models.ip_adapter.pictures import Crop
from ..models.omniportrait.encode import ReferenceEncoders, reference_pictures
from ..models.people.card import Card, Keeps, Key, Value, read_card, write
from ..models.people.card_names import check_name, free_path
from ..models.people.card_record import About, Made
from ..models.people.carried import Look, gather, kept_of
from ..models.people.person import People, Person, looked_at
from ..models.people.remembered import (
    RememberedEmbedder,
    RememberedImageEncoder,
    RememberedParser,
    RememberedRecogniser,
)
from ..models.port.encoders import Encoder, FaceParser, FaceRecogniser, ImageEmbedder, ImageEncoder
from ..models.uniportrait.encode import person_features
from ..models.weights.fingerprint import of_file
from .consistentid.adapter import LoadedConsistentID
from .encoders.image_encoder import ClipVisionEmbedder, ClipVisionEncoder
from .encoders.latents import latent_encoder
from .facestudio.method import LoadedFaceStudio
from .files import IDENTITIES, model_folder, resolve
from .ip_adapter.adapter import LoadedIPAdapter
from .omniportrait.adapter import LoadedOmniPortrait
from .uniportrait.adapter import LoadedUniPortrait

INNER = ("encoder", "embedder", "backbone", "recogniser", "parser")  # what a remembering encoder asks
_writing = Lock()


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class EncodedFor:
    """Methods and encoders that a card is made for; those that are None are not.

    Attributes:
        uniportrait, consistentid, omniportrait, ip_adapter, facestudio: as their loaders give them.
        clip_vision: a CLIP_VISION, which is shown the aligned face.
        vae: a VAE, for the references of guidance.
        face_parser: finds their outlines.
        reference_size: side of a reference, pixels, see `reference_pictures`.
        recogniser: gives face vectors.
    """

    uniportrait: LoadedUniPortrait | None = None
    consistentid: LoadedConsistentID | None = None
    omniportrait: LoadedOmniPortrait | None = None
    ip_adapter: LoadedIPAdapter | None = None
    facestudio: LoadedFaceStudio | None = None
    clip_vision: Any = None
    vae: Any = None
    face_parser: FaceParser | None = None
    reference_size: int = 512
    recogniser: FaceRecogniser | None = None

    def looks(self) -> dict[str, Look]:
        """How each of them looks at a person, by the name that a card gives it."""
        found: dict[str, Look] = {}
        if (uniportrait := self.uniportrait) is not None:
            found["UniPortrait"] = lambda one: person_features(one, uniportrait.encoders)
        if (consistentid := self.consistentid) is not None:
            found["ConsistentID"] = lambda one: _look_by_consistentid(one, consistentid)
        if (omniportrait := self.omniportrait) is not None:
            found["OmniPortrait"] = lambda one: omniportrait.encode([one])
        if (ip_adapter := self.ip_adapter) is not None:
            found["IP-Adapter"] = lambda one: _look_by_ip_adapter(one, ip_adapter)
        if (facestudio := self.facestudio) is not None:
            found["FaceStudio"] = facestudio.look
        if self.clip_vision is not None:
            found["CLIP vision"] = self._look_by_clip
        if self.vae is not None:
            found[f"guidance at {self.reference_size} pixels"] = self._look_by_vae
        if (recogniser := self.recogniser) is not None:
            found["face vectors"] = lambda one: _vectors(one, RememberedRecogniser(recogniser))
        return found

    def made(self) -> dict[str, Made]:
        """What their encoders run with, by key."""
        return {each.key: _made(each) for each in self._encoders() if each is not None}

    def _encoders(self) -> Iterator[Encoder | None]:
        if self.uniportrait is not None:
            yield from (self.uniportrait.clip, self.uniportrait.backbone)
        if self.consistentid is not None:
            encoders = self.consistentid.encoders
            yield from (encoders.clip, encoders.parser, encoders.recogniser)
        if self.omniportrait is not None:
            yield self.omniportrait.encoder
        if self.ip_adapter is not None:
            yield from (
                self.ip_adapter.encoders.clip,
                self.ip_adapter.encoders.embedder,
                self.ip_adapter.encoders.recogniser,
            )
        if self.facestudio is not None:
            yield from self.facestudio.looks_with
        if self.clip_vision is not None:
            yield from (self._clip, self._embedder)
        if self.vae is not None:
            yield from (latent_encoder(self.vae), self.face_parser)
        yield self.recogniser

    @property
    def _clip(self) -> ImageEncoder:
        return RememberedImageEncoder(ClipVisionEncoder(self.clip_vision))

    @property
    def _embedder(self) -> ImageEmbedder:
        return RememberedEmbedder(ClipVisionEmbedder(self.clip_vision))

    def _look_by_clip(self, person: Person) -> None:
        clip, embedder = self._clip, self._embedder
        with looked_at(person) as seen:
            crops = [clip_pixels(face.crop) for _, face in seen.shown]
            if not crops or self.clip_vision.image_size != CLIP_SIZE:
                raise InvalidSettingError(
                    f"clip_vision of Save Identity Card looks at {self.clip_vision.image_size} pixels and at {len(crops)} faces; connect a model "
                    f"of {CLIP_SIZE} pixels and a photo that shows a face."
                )
            clip.tokens(torch.stack(crops))
            if embedder.width:
                embedder.embeddings(torch.stack(crops))

    def _look_by_vae(self, person: Person) -> None:
        parser = None if self.face_parser is None else RememberedParser(self.face_parser)
        encoders = ReferenceEncoders(latents=latent_encoder(self.vae), parser=parser)
        reference_pictures(person, encoders, self.reference_size)


def save_card(
    people: People, encoded_for: EncodedFor, *, name: str, about: About, keeps: Keeps, folder: Path | None = None
) -> Path:
    """Encode one person and write their card to models/identities; what is there already stays.

    Args:
        people: one person, with photos or from a card.
        encoded_for: what the card is made for; of nobody the card needs photos, or something of the card that they come from.
        name: of the file; empty for the person's.
        about: what the user says about the card.
        keeps: what can be seen of the person on it.
        folder: another folder.

    Raises:
        InvalidSettingError: if there is nothing to write, or the name is no name.
        LikenessError: whatever an encoder misses.
    """
    person = people.only("people of Save Identity Card")
    name = check_name(name or person.name)
    looks, keeps_photos = encoded_for.looks(), keeps == "photos"
    kept = [kept_of(part, keeps_photos=keeps_photos) for part, _ in person.parts]
    if not any(part.looked for part, _ in person.parts):
        raise InvalidSettingError(
            f'There is no photo of "{person.name}" for an identity card; connect Add Person with photos, or Load Identity Card.'
        )
    has_photos = keeps_photos and all(part.photos for part, _ in person.parts)
    if not looks and not has_photos and not any(card is not None and card.entries for card in kept):
        raise InvalidSettingError(
            f'The identity card of "{person.name}" would hold neither photos nor anything that encoders say; connect the methods that it is '
            'for, such as uniportrait, or set keeps to "photos".'
        )
    encodings: dict[Key, Value] = {**gather(person, looks.values(), keeps_photos=keeps_photos)}
    before = (each for card in kept if card is not None for each in card.encoded_for)
    about = replace(about, encoded_for=tuple(sorted({*looks, *before})))
    folder = folder or Path(model_folder(IDENTITIES))
    folder.mkdir(parents=True, exist_ok=True)
    with _writing:
        path = free_path(folder, name)
        write(path, person, encodings, about=about, keeps=keeps, made=encoded_for.made())
    return path


def load_card(name: str) -> Card:
    """Read a card of models/identities.

    Raises:
        LikenessError: see `read_card`.
    """
    return read_card(resolve(IDENTITIES, name))


def card_state(name: str) -> str:
    """Size, time of change and hash of a card, so that one that was saved again is read again; empty where there is none."""
    try:
        path = resolve(IDENTITIES, name)
        state = os.stat(path)
    except OSError:
        return ""
    return f"{state.st_size} {state.st_mtime_ns} {of_file(path)}"


def _look_by_consistentid(person: Person, consistentid: LoadedConsistentID) -> None:
    consistentid.encode([person])
    if consistentid.encoders.parser is not None:  # else the method itself makes no regions
        consistentid.regions(1, People((person,)), NO_WISHES)


def _look_by_ip_adapter(person: Person, ip_adapter: LoadedIPAdapter) -> None:
    for crop in get_args(Crop):
        ip_adapter.encode_people([person], Looking(crop=crop))


def _vectors(person: Person, recogniser: FaceRecogniser) -> None:
    with looked_at(person) as seen:
        recogniser.vectors([face for _, face in seen.shown], [photo.picture for photo, _ in seen.shown])


def _made(encoder: Encoder) -> Made:
    """Type and device of an encoder's network; ONNX files run in float32 on the CPU."""
    inner: Any = encoder
    while True:
        patcher = getattr(inner, "patcher", None)
        if patcher is not None:
            return _made_of(patcher.model, patcher.load_device)
        if getattr(inner, "clip_vision", None) is not None:
            return _made_of(inner.clip_vision.model, inner.clip_vision.load_device)
        if getattr(inner, "vae", None) is not None:
            return _made_of(inner.vae.first_stage_model, inner.vae.device)
        name = next((name for name in INNER if hasattr(inner, name)), None)
        if name is None:
            return Made(dtype="float32", device="cpu")
        inner = getattr(inner, name)


def _made_of(network: torch.nn.Module, device: torch.device) -> Made:
    return Made(dtype=str(next(network.parameters()).dtype).removeprefix("torch."), device=device.type)
