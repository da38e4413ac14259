"""Save Identity Card: a person becomes a file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from comfy_api.latest import io, ui

from ...host.consistentid.adapter import LoadedConsistentID
from ...host.encoders.judges import choose_judge, list_judges
from ...host.encoders.parser import LoadedFaceParser
from ...host.facestudio.method import LoadedFaceStudio
from ...host.files import NONE
from ...host.identity_cards import EncodedFor, save_card
from ...host.ip_adapter.adapter import LoadedIPAdapter
from ...host.omniportrait.adapter import LoadedOmniPortrait
from ...host.uniportrait.adapter import LoadedUniPortrait
from ...models.people.card import Keeps, read_card
from ...models.people.card_record import About
from ...models.people.person import People as Chain
from ...models.people.preview import card_strip
from ..schema import (
    ADVANCED,
    ConsistentID,
    FaceParser,
    FaceStudio,
    IPAdapter,
    OmniPortrait,
    People,
    UniPortrait,
    found_by,
    shelf,
)


class SaveIdentityCard(io.ComfyNode):
    """Writes one person to models/identities."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessSaveIdentityCard",
            display_name="Save Identity Card",
            category=shelf("People"),
            description="Saves one person as a file in models/identities, with what the connected methods see of their photos. The "
            "photos themselves are left out unless asked for.",
            is_output_node=True,
            **found_by("save person", "save face", "identity file", "face model", "character card", "export identity"),
            inputs=[
                People.Input(
                    "people", tooltip="One person, from Add Person, Mix People, Pick Person or Load Identity Card."
                ),
                io.String.Input(
                    "name",
                    default="",
                    tooltip="Name of the file, without a folder. Empty: the person's name. One that is taken gets a number.",
                ),
                io.String.Input(
                    "consent",
                    default="",
                    multiline=True,
                    tooltip="Who agreed to what, and when. It is shown wherever the card is loaded; without it the card says that "
                    "there is none.",
                ),
                io.String.Input("licence", default="", tooltip="On what terms this likeness may be used."),
                io.String.Input(
                    "created",
                    default="",
                    tooltip="When, where or by whom the card was made, in your words. Nothing is filled in by itself, so the same inputs "
                    "give the same file.",
                    **ADVANCED,
                ),
                io.Combo.Input(
                    "keeps",
                    options=list(get_args(Keeps)),
                    default="nothing",
                    tooltip="What can be seen of the person on the card. nothing: encodings only; thumbnails: small aligned faces for the "
                    "preview; photos: all of it, so that further methods can be encoded for.",
                ),
                UniPortrait.Input("uniportrait", optional=True, tooltip="The card is to work with UniPortrait."),
                ConsistentID.Input("consistentid", optional=True, tooltip="The card is to work with ConsistentID."),
                IPAdapter.Input("ip_adapter", optional=True, tooltip="The card is to work with this IP-Adapter."),
                FaceStudio.Input("facestudio", optional=True, tooltip="The card is to work with FaceStudio."),
                OmniPortrait.Input("omniportrait", optional=True, tooltip="The card is to work with OmniPortrait."),
                io.ClipVision.Input(
                    "clip_vision", optional=True, tooltip="What this image encoder sees of the aligned face is kept."
                ),
                io.Vae.Input(
                    "vae",
                    optional=True,
                    tooltip="For Apply Reference-Based Guidance. Latents of the face are kept, and a VAE can turn them into a picture again.",
                ),
                FaceParser.Input(
                    "face_parser", optional=True, tooltip="For guidance that has a face parser; with vae only."
                ),
                io.Int.Input(
                    "reference_size",
                    default=512,
                    min=64,
                    max=2048,
                    step=64,
                    tooltip="For guidance, its reference_size in pixels: 512 for SD1.5, 1024 for SDXL, 128 for the miniature.",
                    **ADVANCED,
                ),
                io.Combo.Input(
                    "recogniser",
                    options=[NONE, *list_judges()],
                    default=NONE,
                    tooltip="Face vectors of this recogniser are kept, for Score Likeness and for Place People by faces (which asks for an "
                    "ArcFace). auto: as in Score Likeness, w600k_r50.onnx of insightface's buffalo_l first.",
                    **ADVANCED,
                ),
            ],
            outputs=[
                People.Output(display_name="people", tooltip="The person as the card has them, to try it at once."),
                io.String.Output(display_name="card", tooltip="Name of the file in models/identities."),
                io.Image.Output(display_name="preview", tooltip="Who is on the card and what it says."),
            ],
        )

    @classmethod
    def execute(
        cls,
        people: Chain,
        name: str,
        consent: str,
        licence: str,
        created: str,
        keeps: Keeps,
        reference_size: int,
        recogniser: str,
        uniportrait: LoadedUniPortrait | None = None,
        consistentid: LoadedConsistentID | None = None,
        ip_adapter: LoadedIPAdapter | None = None,
        facestudio: LoadedFaceStudio | None = None,
        omniportrait: LoadedOmniPortrait | None = None,
        clip_vision: Any = None,
        vae: Any = None,
        face_parser: LoadedFaceParser | None = None,
    ) -> io.NodeOutput:
        encoded_for = EncodedFor(
            uniportrait=uniportrait,
            consistentid=consistentid,
            ip_adapter=ip_adapter,
            facestudio=facestudio,
            omniportrait=omniportrait,
            clip_vision=clip_vision,
            vae=vae,
            face_parser=face_parser,
            reference_size=reference_size,
            recogniser=None if recogniser == NONE else choose_judge(recogniser).encoder,
        )
        about = About(consent=consent, licence=licence, created=created)
        path = save_card(people, encoded_for, name=name, about=about, keeps=keeps)
        card = read_card(path)
        preview = card_strip(card.person, card.about.lines)
        given = people[0]
        carried = Chain().add(replace(card.person, mask=given.mask, settings=given.settings))
        return io.NodeOutput(carried, path.name, preview, ui=ui.PreviewImage(preview, cls=cls))


NODES: list[type[io.ComfyNode]] = [SaveIdentityCard]
