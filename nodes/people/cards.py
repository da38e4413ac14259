"""Identity cards: a person as a file, saved and loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from comfy_api.latest import io, ui
from torch import Tensor

from ...host.consistentid.adapter import LoadedConsistentID
from ...host.encoders.detector import DRAWN
from ...host.encoders.parser import LoadedFaceParser
from ...host.encoders.recogniser import choose_recogniser
from ...host.facestudio.method import LoadedFaceStudio
from ...host.files import AUTO, IDENTITIES, NONE, list_files, list_recognisers
from ...host.identity_cards import EncodedFor, card_state, load_card, save_card
from ...host.ip_adapter.adapter import LoadedIPAdapter
from ...host.omniportrait.adapter import LoadedOmniPortrait
from ...host.people import ADDS_CARD
from ...host.uniportrait.adapter import LoadedUniPortrait
from ...models.people.card import Keeps, read_card
from ...models.people.card_record import About
from ...models.people.person import People as Chain
from ...models.people.person import PersonSettings
from ...models.people.preview import card_strip
from ..schema import (
    ADVANCED,
    SHOWS,
    ConsistentID,
    FaceParser,
    FaceStudio,
    IPAdapter,
    OmniPortrait,
    People,
    UniPortrait,
    end_percent,
    found_by,
    shelf,
    start_percent,
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
                    options=[NONE, AUTO, *list_recognisers(), DRAWN],
                    default=NONE,
                    tooltip="Face vectors of this recogniser are kept, for Place People by faces. auto: w600k_r50.onnx of insightface's "
                    "buffalo_l (non-commercial research only) in models/insightface.",
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
        drawn = recogniser == DRAWN
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
            recogniser=None
            if recogniser == NONE
            else choose_recogniser(AUTO if drawn else recogniser, DRAWN if drawn else AUTO),
        )
        about = About(consent=consent, licence=licence, created=created)
        path = save_card(people, encoded_for, name=name, about=about, keeps=keeps)
        card = read_card(path)
        preview = card_strip(card.person, card.about.lines)
        given = people[0]
        carried = Chain().add(replace(card.person, mask=given.mask, settings=given.settings))
        return io.NodeOutput(carried, path.name, preview, ui=ui.PreviewImage(preview, cls=cls))


class LoadIdentityCard(io.ComfyNode):
    """Adds the person of a card to a chain."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id=ADDS_CARD,
            display_name="Load Identity Card",
            category=shelf("People"),
            description="Adds a person from a file of models/identities to a chain, as Add Person does from photos, and shows what the "
            "card says about consent and licence.",
            **SHOWS,
            **found_by("load person", "load face", "identity file", "face model", "character card", "person"),
            inputs=[
                io.Combo.Input(
                    "card",
                    options=list_files(IDENTITIES),
                    tooltip="A card in models/identities, from Save Identity Card or from somebody else. It holds numbers and texts only; "
                    "nothing in it is run.",
                ),
                io.String.Input(
                    "name",
                    default="",
                    tooltip="What maps, messages and previews call this person. Empty: the name on the card.",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=4.0,
                    step=0.05,
                    tooltip="How strongly the person acts, times the method's own strength. 0 switches them off; number, colour and "
                    "place stay.",
                ),
                start_percent(),
                end_percent(),
                People.Input("people", optional=True, tooltip="The people before this one."),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Where this person may be. Without a mask something else finds the place, see Place People.",
                ),
            ],
            outputs=[
                People.Output(display_name="people", tooltip="Everybody so far, for the next person or a method."),
                io.Image.Output(display_name="preview", tooltip="Who is on the card and what it says."),
                io.String.Output(display_name="about", tooltip="Consent, licence, and what the card was encoded for."),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, card: str, **_: Any) -> str:
        """What the card is now, so that one that was saved again is read again."""
        return card_state(card)

    @classmethod
    def execute(
        cls,
        card: str,
        name: str,
        strength: float,
        start_percent: float,
        end_percent: float,
        people: Chain | None = None,
        mask: Tensor | None = None,
    ) -> io.NodeOutput:
        found = load_card(card)
        person = replace(
            found.person,
            name=name.strip() or found.person.name,
            mask=mask,
            settings=PersonSettings(strength=strength, start_percent=start_percent, end_percent=end_percent),
        )
        preview = card_strip(person, found.about.lines)
        chain = (people or Chain()).add(person)
        return io.NodeOutput(chain, preview, "\n".join(found.about.lines), ui=ui.PreviewImage(preview, cls=cls))


NODES: list[type[io.ComfyNode]] = [SaveIdentityCard, LoadIdentityCard]
