"""The strip of people: a row each, in their colour, grey where somebody is not in."""

import json
from dataclasses import replace

import pytest
import torch
from likeness.models.people.person import People
from likeness.models.people.preview import (
    FACE,
    GAP,
    WIDTH,
    Line,
    chain_strip,
    people_records,
    people_strip,
    weight_marks,
)
from likeness.models.records.legend import colour_of, rgb_of
from likeness.tests.people import crowd, someone


def frame(strip, place):
    """The colour beside the face of the person at a place."""
    return strip[0, GAP + place * (FACE + GAP) + FACE // 2, GAP - 3]


def test_every_person_has_a_row_in_their_colour():
    strip = people_strip([Line(person, "router") for person in crowd(3)])
    assert strip.shape == (1, GAP + 3 * (FACE + GAP), WIDTH, 3)
    for place in range(3):
        torch.testing.assert_close(frame(strip, place), torch.tensor(colour_of(place)), atol=0.01, rtol=0)


def test_somebody_who_is_not_in_is_grey_and_the_others_keep_their_colours():
    first, second = crowd(2)
    strip = people_strip([Line(first, "off", is_in=False), Line(second, "mask")])
    red, green, blue = frame(strip, 0).tolist()
    assert red == green == blue
    torch.testing.assert_close(frame(strip, 1), torch.tensor(colour_of(1)), atol=0.01, rtol=0)
    face = strip[0, GAP : GAP + FACE, GAP : GAP + FACE]
    assert torch.equal(face[..., 0], face[..., 1])


@pytest.mark.parametrize("note", ["", "Not in this chain: Bob.", "word " * 60, "x" * 1_500_000, "half \ud83d"])
def test_a_note_makes_the_strip_longer_and_never_wider(note):
    plain, noted = people_strip([Line(someone("a"), "router")]), people_strip([Line(someone("a"), "router")], note)
    assert noted.shape[2] == WIDTH
    assert (noted.shape[1] > plain.shape[1]) is bool(note)


def test_long_names_are_cut_at_the_edge():
    strip = people_strip([Line(someone("n" * 500), "s" * 500)])
    assert strip.shape == (1, GAP + FACE + GAP, WIDTH, 3)
    assert torch.equal(strip[0, :, -GAP // 2 :], strip[0, :1, :1].expand(strip.shape[1], GAP // 2, 3))


def test_a_person_without_a_face_is_shown_as_an_outline():
    """Not as a black square, which looks like a picture that failed."""
    person = crowd(1)[0]
    first, second = (
        people_strip([Line(type(person)(name=name), "not in: no face", is_in=False)])[
            0, GAP : GAP + FACE, GAP : GAP + FACE
        ]
        for name in ("nobody", "somebody else")
    )
    assert torch.equal(first, second)
    assert 0.2 < (first > 0.5).float().mean() < 0.6
    assert torch.equal(first[0, 0], first[0, -1])
    assert not torch.equal(first[FACE // 3, FACE // 2], first[0, 0])


def test_a_chain_tells_what_everybody_is_made_of():
    chain = crowd(1).mix_into_last(someone("Ben", 7), 0.25)
    assert chain_strip(chain).shape[1] == GAP + FACE + GAP
    assert not torch.equal(chain_strip(chain), chain_strip(crowd(1)))
    assert chain_strip(People()).shape[2] == WIDTH


def test_a_chain_tells_how_many_photos_count():
    seen = someone("Ann", photos=3)
    first, *others = seen.photos
    left_out = replace(seen, photos=(replace(first, weight=0.0), *others))
    fewer = replace(seen, photos=tuple(others))
    strips = [chain_strip(People((person,))) for person in (seen, left_out, fewer)]
    lines = slice(50, None)  # below the name
    assert not torch.equal(strips[0][0, lines, 120:], strips[1][0, lines, 120:])
    assert not torch.equal(strips[1][0, lines, 120:], strips[2][0, lines, 120:])


def test_marks_say_what_each_photo_weighs_and_who_is_an_outlier():
    first, second, third = someone(photos=3).photos
    photos = (replace(first, weight=0.083, is_outlier=True), second, replace(third, weight=0.0, is_outlier=True))
    marks = weight_marks((*photos, replace(first, taken=None)))
    assert [(mark.note, mark.is_outlier) for mark in marks] == [("0.08", True), ("1.00", False), ("left out", True)]
    assert [mark.face for mark in marks] == [photo.taken for photo in photos]


@pytest.mark.parametrize("text", ["x" * 1_500_000, "half \ud83d"])
def test_any_text_can_be_drawn(text):
    drawn = people_strip([Line(someone("a"), text)])
    assert drawn.shape == (1, GAP + FACE + GAP, WIDTH, 3)


def test_everybody_has_name_colour_and_state():
    hostile = "<img src=x onerror=1>"
    records = people_records([Line(someone("Ann"), "mask"), Line(someone(hostile), "off", is_in=False)])
    colours = ["#{:02x}{:02x}{:02x}".format(*rgb_of(place)) for place in range(2)]
    assert records == [
        {"name": "Ann", "colour": colours[0], "state": "mask", "is_in": True},
        {"name": hostile, "colour": colours[1], "state": "off", "is_in": False},
    ]
    assert json.loads(json.dumps(records)) == records


def test_an_empty_chain_is_nobody():
    assert people_records([]) == []
