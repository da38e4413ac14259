"""Identity cards: what is written is read bit for bit, the file is a function of what was given, and photos stay private."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.people.card import About, Made, read, read_card, write
from likeness.models.people.card_file import RECORD
from likeness.models.people.encodings import EncodingKey
from likeness.models.people.person import Person
from likeness.models.weights.reading import read_metadata
from likeness.tests.people import someone

KEY = EncodingKey("clip vision abc -2", "f" * 64, "tokens")
CONSENT = About(consent="Anna said yes.", licence="CC0", created="2026-01-01", encoded_for=("UniPortrait",))


@pytest.fixture
def encodings():
    generator = torch.Generator().manual_seed(0)
    return {
        KEY: (torch.randn(1, 257, 8, generator=generator),),
        KEY._replace(output="maps"): tuple(torch.randn(1, 4, 7, 7, generator=generator) for _ in range(4)),
        KEY._replace(output="labels 512"): (torch.randint(0, 19, (9, 9), dtype=torch.uint8, generator=generator),),
        "by hand": torch.randn(3, 5, generator=generator),
    }


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert isinstance(found[key], tuple) is isinstance(value, tuple)
        several = zip(found[key], value, strict=True) if isinstance(value, tuple) else [(found[key], value)]
        for one, other in several:
            assert one.dtype == other.dtype
            assert torch.equal(one, other)


@pytest.mark.parametrize("keeps", ["nothing", "thumbnails", "photos"])
def test_a_card_is_read_as_it_was_written(tmp_path, encodings, keeps):
    anna = someone("Anna", photos=2)
    anna = replace(anna, photos=(anna.photos[0], replace(anna.photos[1], weight=0.25, is_outlier=True, is_chosen=True)))
    write(tmp_path / "anna.safetensors", anna, encodings, about=CONSENT, keeps=keeps)
    card = read_card(tmp_path / "anna.safetensors")
    assert_equal(card.encodings, encodings)
    assert (card.person.name, card.about) == ("Anna", CONSENT)
    found = [(photo.weight, photo.is_outlier, photo.is_chosen) for photo in card.person.looked]
    assert found == [(1.0, False, False), (0.25, True, True)]
    for found, (photo, face) in zip(card.person.looked, anna.shown, strict=True):
        assert found.picture.shape == photo.picture.shape
        assert np.array_equal(found.taken.box, face.box)
        assert np.array_equal(found.taken.points, face.points)
        assert found.taken.score == face.score
        assert np.array_equal(found.picture, photo.picture) is (keeps == "photos")
        assert np.array_equal(found.taken.crop, face.crop) is (keeps == "photos")
    assert (card.person.portrait is not None) is (keeps != "nothing")


def test_the_file_holds_no_pixel_unless_asked(tmp_path, encodings):
    anna = someone("Anna")
    write(tmp_path / "private", anna, encodings)
    content = (tmp_path / "private").read_bytes()
    rows = anna.photos[0].picture.reshape(224, -1)
    assert not any(row.tobytes()[:32] in content for row in rows)
    assert b".thumbnail" not in content
    write(tmp_path / "open", anna, encodings, keeps="photos")
    assert rows[5].tobytes()[:32] in (tmp_path / "open").read_bytes()


def test_the_bytes_are_a_function_of_what_was_given(tmp_path, encodings):
    write(tmp_path / "one", someone("Anna"), encodings, about=CONSENT)
    backwards = dict(reversed(encodings.items()))
    write(tmp_path / "two", someone("Anna"), backwards, about=CONSENT)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    write(tmp_path / "two", someone("Berta"), encodings, about=CONSENT)
    assert (tmp_path / "one").read_bytes() != (tmp_path / "two").read_bytes()


def test_floats_are_written_as_float32_and_the_type_is_noted(tmp_path):
    half = torch.randn(4, 4).half()
    write(
        tmp_path / "card",
        someone("Anna"),
        {KEY: (half,), "other": half},
        made={KEY.encoder: Made(dtype="bfloat16", device="cuda")},
    )
    card = read_card(tmp_path / "card")
    assert card.encodings["other"].dtype == torch.float32
    assert torch.equal(card.encodings["other"], half.float())
    assert card.made == {KEY: Made(dtype="bfloat16", device="cuda"), "other": Made(dtype="float16", device="cpu")}


def test_people_who_are_mixed_come_back_with_their_factors(tmp_path, encodings):
    mixed = Person(name="both", mixed=((someone("Anna", 1), 0.7), (someone("Berta", 2), 0.3)))
    write(tmp_path / "card", mixed, encodings)
    person, _ = read(tmp_path / "card")
    assert [(part.name, factor) for part, factor in person.mixed] == [("Anna", 0.7), ("Berta", 0.3)]
    assert person.name == "both"
    assert person.has_face


def test_a_card_that_was_read_is_written_to_the_same_bytes(tmp_path, encodings):
    write(tmp_path / "one", someone("Anna"), encodings, about=CONSENT, keeps="thumbnails")
    card = read_card(tmp_path / "one")
    write(tmp_path / "two", card.person, card.encodings, about=card.about, keeps="thumbnails")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_what_is_read_can_be_part_of_a_graph(tmp_path, encodings):
    write(tmp_path / "card", someone("Anna"), encodings)
    with torch.inference_mode():
        _, found = read(tmp_path / "card")
    assert not any(tensor.is_inference() for tensor in found[KEY])


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (torch.tensor([float("nan")]), "NaN or infinity"),
        (torch.tensor([float("inf")]), "NaN or infinity"),
        (torch.tensor([1]), "torch.int64"),
        ((), "0 tensors"),
    ],
)
def test_what_is_no_encoding_is_refused(tmp_path, value, says):
    with pytest.raises(InvalidSettingError, match=says):
        write(tmp_path / "card", someone("Anna"), {KEY: value})
    assert list(tmp_path.iterdir()) == []


def test_long_texts_are_refused(tmp_path):
    with pytest.raises(InvalidSettingError, match="consent of an identity card"):
        About(consent="x" * 4001)
    with pytest.raises(InvalidSettingError, match="name of 200 characters"):
        write(tmp_path / "card", someone("x" * 201), {})
    with pytest.raises(InvalidSettingError, match="does not print"):
        write(tmp_path / "card", someone("Anna"), {"a\x00b": torch.ones(1)})


def test_a_failed_write_leaves_the_old_card_and_nothing_else(tmp_path, encodings, monkeypatch):
    write(tmp_path / "card", someone("Anna"), encodings)
    before = (tmp_path / "card").read_bytes()

    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        write(tmp_path / "card", someone("Berta"), encodings)
    assert [path.name for path in tmp_path.iterdir()] == ["card"]
    assert (tmp_path / "card").read_bytes() == before


def test_the_metadata_say_what_the_card_is(tmp_path, encodings):
    write(tmp_path / "card", someone("Anna"), encodings, about=CONSENT)
    record = json.loads(read_metadata(tmp_path / "card")[RECORD])
    assert (record["version"], record["name"], record["consent"], record["licence"]) == (
        1,
        "Anna",
        "Anna said yes.",
        "CC0",
    )
    assert len(record["encodings"]) == 4
