"""Load Identity Card: a person from a file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from comfy_api.latest import io, ui
from torch import Tensor

from ...host.files import IDENTITIES, list_files
from ...host.identity_cards import card_state, load_card
from ...host.people import ADDS_CARD
from ...models.people.person import People as Chain
from ...models.people.person import PersonSettings
from ...models.people.preview import card_strip
from ..schema import SHOWS, People, end_percent, found_by, shelf, start_percent
from .inputs import people_before, person_mask, person_name, person_strength


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
                person_name("Empty: the name on the card."),
                person_strength(),
                start_percent(),
                end_percent(),
                people_before(),
                person_mask(),
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


NODES: list[type[io.ComfyNode]] = [LoadIdentityCard]
