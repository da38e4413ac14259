"""What nodes send to the page's views."""

from __future__ import annotations

import json

import pytest
import torch

pytestmark = pytest.mark.comfy

REGION = "20 20 60 60\n120 10 190 80\nimage 2\n10 10 50 50"


@pytest.fixture
def pictures():
    return torch.rand(2, 100, 200, 3, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def add(execute, pictures):
    from likeness.nodes.people.add import AddPerson

    return lambda **inputs: execute(
        AddPerson, **({"photo": pictures, "detector": "given region", "region": REGION} | inputs)
    )


def test_lists_only_that_are_json(add):
    sent = add().ui
    for name in ("likeness_photos", "likeness_faces", "likeness_people"):
        assert isinstance(sent[name], list)
        assert json.loads(json.dumps(sent[name])) == sent[name]


def test_photos_are_saved_with_their_size_beside_the_picture_that_core_draws(add):
    sent = add().ui
    assert len(sent["images"]) == len(sent["likeness_photos"]) == 2
    assert {(photo["width"], photo["height"], photo["type"]) for photo in sent["likeness_photos"]} == {
        (200, 100, "temp")
    }


def test_faces_say_who_is_taken_and_people_who_was_added(add):
    sent = add(name="Ann", strength=0.5).ui
    taken = [(face["image"], face["place"]) for face in sent["likeness_faces"] if face["taken"]]
    assert taken == [(0, 1), (1, 1)]
    [person] = sent["likeness_people"]
    assert (person["name"], person["number"], person["faces"], person["strength"]) == ("Ann", 1, 2, 0.5)


def test_colours_follow_the_place_in_the_chain(add):
    from likeness.models.records.legend import hex_of

    first = add()
    [second] = add(people=first.result[0]).ui["likeness_people"]
    assert (second["number"], second["colour"]) == (2, hex_of(1))


def test_somebody_without_a_face_has_no_crop(execute, pictures):
    from likeness.nodes.people.add import AddPerson

    sent = execute(
        AddPerson, photo=torch.zeros(1, 64, 64, 3), detector="drawn faces (miniature)", on_no_face="leave out"
    ).ui
    assert sent["likeness_faces"] == []
    assert sent["likeness_people"][0]["is_in"] is False


def test_only_the_strips_photos_are_sent(execute):
    from likeness.nodes.faces.detect import DetectFaces
    from likeness.nodes.shown import MOST_PHOTOS

    many = torch.rand(MOST_PHOTOS + 3, 16, 16, 3, generator=torch.Generator().manual_seed(0))
    sent = execute(DetectFaces, image=many, detector="face crop").ui
    assert len(sent["likeness_photos"]) == MOST_PHOTOS
    assert max(face["image"] for face in sent["likeness_faces"]) == MOST_PHOTOS - 1
