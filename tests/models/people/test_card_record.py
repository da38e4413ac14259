"""Records that no card may have, and what a card says about itself."""

from __future__ import annotations

import re

import pytest
from likeness.models.errors import InvalidSettingError, UnknownCheckpointError
from likeness.models.people.card import read_card
from likeness.models.people.card_record import About, write_record
from likeness.tests.models.people.hostile_cards import sound_card, with_record

HOSTILE = {
    "another version": (lambda record: record.update(version=2), "version 2, and this version of the pack reads 1"),
    "an older version": (lambda record: record.update(version=0), "version 0, and this version"),
    "a version in words": (lambda record: record.update(version="1"), "no whole number"),
    "another format": (lambda record: record.update(format="recipe"), "not an identity card"),
    "no name": (lambda record: record.pop("name"), '"name" is missing'),
    "a name of a megabyte": (lambda record: record.update(name="x" * 10**6), "at most 200 characters"),
    "consent as a list": (lambda record: record.update(consent=[]), "no text"),
    "two people for one": (lambda record: record.update(people=record["people"] * 2), "people|photos"),
    "nobody": (lambda record: record.update(people=[]), "belongs to nothing|0 entries"),
    "an encoding that is not there": (lambda record: record["encodings"].append(record["encodings"][0]), "is missing"),
    "an encoding that is not named": (lambda record: record.update(encodings=[]), "belongs to nothing"),
    "a count below 0": (lambda record: record["encodings"][0].update(count=-1), "no whole number"),
    "a key of two texts": (lambda record: record["encodings"][0].update(key=["a", "b"]), "2 texts instead of 3"),
    "a key of numbers": (lambda record: record["encodings"][0].update(key=[1]), "else than short texts"),
    "an entry that is a number": (lambda record: record.update(encodings=[7]), "is no object"),
}
OF_PHOTOS = {
    "a photo of another size": ({"height": 10}, "no picture of its size"),
    "a photo of no size": ({"height": 0}, "no whole number"),
    "a photo of 10^12 pixels": ({"stand_in": "x", "height": 30_000, "width": 30_000}, "million pixels"),
    "a negative weight": ({"weight": -1}, "numbers from 0"),
    "a weight that is none": ({"weight": True}, "something else than numbers"),
    "picture and stand-in": ({"stand_in": "x"}, "a picture and a stand-in"),
    "a face that is a list": ({"face": []}, "is no object"),
    "an outlier in words": ({"is_outlier": "yes"}, "neither true nor false"),
    "chosen by a number": ({"is_chosen": 1}, "neither true nor false"),
}
OF_FACES = {
    "infinite points": ({"points": [1e308] * 10}, "something else than numbers"),
    "too few points": ({"points": [1.0]}, "1 numbers instead of 10"),
    "a box in words": ({"box": ["a"] * 4}, "something else than numbers"),
}


def refusal(tmp_path, change):
    """What is said of a sound card whose record is changed; fails where the card is read."""
    path = tmp_path / "card.safetensors"
    path.write_bytes(with_record(sound_card(path), change))
    with pytest.raises(UnknownCheckpointError) as caught:
        read_card(path)
    return str(caught.value)


def is_one_sentence(message, says):
    return re.search(says, message) is not None and "\n" not in message and len(message) < 400


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_records_say_one_sentence(tmp_path, name):
    change, says = HOSTILE[name]
    assert is_one_sentence(refusal(tmp_path, change), says)


@pytest.mark.parametrize("name", OF_PHOTOS)
def test_hostile_photos_say_one_sentence(tmp_path, name):
    entry, says = OF_PHOTOS[name]
    message = refusal(tmp_path, lambda record: record["people"][0]["photos"][0].update(entry))
    assert is_one_sentence(message, says)


@pytest.mark.parametrize("name", OF_FACES)
def test_hostile_faces_say_one_sentence(tmp_path, name):
    entry, says = OF_FACES[name]
    message = refusal(tmp_path, lambda record: record["people"][0]["photos"][0]["face"].update(entry))
    assert is_one_sentence(message, says)


def test_scripts_and_paths_in_texts_are_texts(tmp_path):
    path = tmp_path / "card.safetensors"
    script = "<script>alert(1)</script>\x1b[2J\u202e"
    path.write_bytes(
        with_record(sound_card(path), lambda record: record.update(name="x", consent=script, licence="../../etc"))
    )
    about = read_card(path).about
    assert (about.consent, about.licence) == ("<script>alert(1)</script>[2J", "../../etc")


def test_a_card_without_consent_note_says_so():
    assert About().lines[0] == "No consent note: ask the person before you use this card."
    assert About(consent=" ").lines[0].startswith("No consent note")
    assert About(consent="Yes.", created="today", encoded_for=("VAE",)).lines == (
        "Consent: Yes.",
        "No licence is named.",
        "Created: today",
        "Encoded for: VAE.",
    )


def test_no_record_holds_nan():
    with pytest.raises(InvalidSettingError, match="NaN or infinity"):
        write_record({"weight": float("nan")})
