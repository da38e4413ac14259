"""Save and Load Identity Card: their widgets, what they show, and what a foreign card cannot do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.models.miniature.files import PORTRAITS
from likeness.models.people.card import write
from likeness.models.people.card_record import About
from likeness.models.people.encodings import EncodingKey
from likeness.tests.people import crowd, someone
from PIL import Image

pytestmark = pytest.mark.comfy

KEY = EncodingKey("vectors", "f" * 64, "vector x")
DRAWN = "drawn faces (miniature)"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def shown(monkeypatch):
    """The notes that the nodes' previews show."""
    from likeness.nodes.people import load_card, save_card

    found = []
    real = load_card.card_strip
    for module in (load_card, save_card):
        monkeypatch.setattr(module, "card_strip", lambda person, lines: found.append(lines) or real(person, lines))
    return found


@pytest.fixture
def load(execute, identities):
    from likeness.nodes.people.load_card import LoadIdentityCard

    return lambda **given: execute(LoadIdentityCard, **{"card": "anna.safetensors", **given})


def test_a_card_without_consent_note_says_so_in_its_preview(identities, load, shown):
    write(identities / "anna.safetensors", someone("Anna"), {KEY: (torch.ones(1, 3),)})
    _, bare, about = load()
    assert shown[0][0] == about.splitlines()[0] == "No consent note: ask the person before you use this card."
    write(
        identities / "anna.safetensors",
        someone("Anna"),
        {KEY: (torch.ones(1, 3),)},
        about=About(consent="Anna said yes."),
    )
    _, noted, about = load()
    assert shown[1][0] == about.splitlines()[0] == "Consent: Anna said yes."
    assert bare.shape[-1] == 3
    assert bare.shape != noted.shape or not torch.equal(bare, noted)


def test_a_script_on_a_card_is_drawn_and_never_sent_to_the_page(identities, execute):
    from likeness.nodes.people.load_card import LoadIdentityCard

    write(
        identities / "anna.safetensors",
        someone(SCRIPT),
        {KEY: (torch.ones(1, 3),)},
        about=About(consent=SCRIPT, licence=SCRIPT),
    )
    result = LoadIdentityCard.execute(
        card="anna.safetensors", name="", strength=1.0, start_percent=0.0, end_percent=1.0
    )
    sent = result.ui.as_dict()
    assert set(sent) == {"images", "animated"}
    assert SCRIPT not in str(sent)


def test_a_loaded_person_has_the_settings_of_the_node_and_joins_the_chain(identities, load):
    write(identities / "anna.safetensors", someone("Anna"), {KEY: (torch.ones(1, 3),)})
    chain, *_ = load(people=crowd(1), strength=0.5, start_percent=0.2, mask=torch.ones(1, 4, 4))
    assert [person.name for person in chain] == ["person 1", "Anna"]
    anna = chain[1]
    assert (anna.settings.strength, anna.settings.start_percent, anna.mask.shape) == (0.5, 0.2, (1, 4, 4))
    chain, *_ = load(name="Berta")
    assert chain[0].name == "Berta"


def test_saving_needs_a_method_or_photos_and_shows_the_card(execute, identities, shown):
    from likeness.models.errors import InvalidSettingError
    from likeness.nodes.people.save_card import SaveIdentityCard

    people = crowd(1, strength=0.5)
    with pytest.raises(InvalidSettingError, match="connect the methods that it is for"):
        execute(SaveIdentityCard, people=people)
    found, name, _ = execute(SaveIdentityCard, people=people, keeps="photos", name="Anna")
    assert name == "Anna.safetensors"
    assert shown[0][0].startswith("No consent note")
    assert found[0].settings.strength == 0.5
    assert found[0].encodings is not None
    _, again, _ = execute(SaveIdentityCard, people=people, keeps="photos", name="Anna", consent="Yes.")
    assert again == "Anna 2.safetensors"
    assert shown[1][0] == "Consent: Yes."
    assert sorted(path.name for path in identities.iterdir()) == ["Anna 2.safetensors", "Anna.safetensors"]


@pytest.mark.parametrize("recogniser", [DRAWN, "dlib (package)"])
def test_a_card_without_photos_is_scored_as_its_photos_are(execute, identities, recogniser):
    from likeness.nodes.evaluation.likeness import ScoreLikeness
    from likeness.nodes.people.add import AddPerson
    from likeness.nodes.people.load_card import LoadIdentityCard
    from likeness.nodes.people.save_card import SaveIdentityCard

    if recogniser != DRAWN:
        pytest.importorskip("dlib")
    pictures = [torch.from_numpy(np.array(Image.open(path).convert("RGB"))) for path in PORTRAITS]
    images = torch.stack(pictures).float() / 255
    people = execute(AddPerson, photo=images[:1], detector=DRAWN, name="Ann").result[0]
    _, name, _ = execute(SaveIdentityCard, people=people, recogniser=recogniser)
    on_card = execute(LoadIdentityCard, card=name).result[0]
    assert not on_card[0].photos
    reports = [
        execute(ScoreLikeness, people=chain, image=images, detector=DRAWN, recogniser=recogniser).result[4]
        for chain in (people, on_card)
    ]
    assert reports[0] == reports[1]


def test_the_photos_stay_private_unless_asked():
    from likeness.nodes.people.save_card import SaveIdentityCard

    inputs = {each.id: each for each in SaveIdentityCard.define_schema().inputs}
    assert inputs["keeps"].default == "nothing"
