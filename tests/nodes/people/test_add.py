"""Add Person: its widgets, its chain, and what it shows."""

from __future__ import annotations

import inspect

import pytest
import torch
from likeness.models.errors import InvalidSettingError, NoFaceFoundError
from likeness.models.face.types import Detection

pytestmark = pytest.mark.comfy

REGION = "20 20 60 60\n120 10 190 80"
RARE = {"order", "detector", "region", "start_percent", "end_percent", "on_no_face"}


@pytest.fixture
def image():
    return torch.rand(1, 100, 200, 3, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def add(execute, image):
    from likeness.nodes.people.add import AddPerson

    given = {"photo": image, "detector": "given region", "region": REGION}
    return lambda **inputs: execute(AddPerson, **(given | inputs))


@pytest.fixture
def schema():
    from likeness.nodes.people.add import AddPerson

    return AddPerson.define_schema()


def test_it_has_nine_widgets_at_most_and_the_rare_ones_are_folded_where_that_is_known(schema):
    from comfy_api.latest import io

    widgets = [each for each in schema.inputs if hasattr(each, "default") and each.id not in ("photo", "mask")]
    assert 5 <= len(widgets) <= 9
    folded = {each.id for each in schema.inputs if getattr(each, "advanced", None)}
    assert folded == (RARE if "advanced" in inspect.signature(io.Float.Input).parameters else set())


def test_it_is_found_by_what_users_call_it_where_that_is_known(schema):
    from comfy_api.latest import io

    if "search_aliases" in inspect.signature(io.Schema).parameters:
        assert {"person", "people", "same face", "faceid", "ip adapter", "consistent character"} <= set(
            schema.search_aliases
        )
    else:
        assert not hasattr(schema, "search_aliases")


def test_every_detector_can_be_chosen_and_none_is_asked_for_a_socket(schema):
    inputs = {each.id: each for each in schema.inputs}
    expected = ["auto", "insightface", "yunet", "given region", "face crop", "drawn faces (miniature)"]
    assert list(inputs["detector"].options) == expected
    assert "nearest to point" not in inputs["order"].options, "there is no point to be nearest to"
    assert [name for name, each in inputs.items() if each.optional] == ["people", "mask", "face_detector"]


def test_it_begins_a_chain_and_goes_on_with_one(add, shown):
    output = add(name="Ann", strength=0.5)
    first, preview, found = output.result
    assert ([person.name for person in first], found) == (["Ann"], True)
    assert first[0].settings.strength == 0.5
    assert preview.shape == (1, 256, 512, 3)
    assert shown(output) == 1
    second, _, _ = add(people=first, face=2).result
    assert [person.name for person in second] == ["Ann", "person 2"]
    assert len(first) == 1, "what came before stays as it was"


def test_face_and_order_choose_among_the_faces_of_the_photo(add):
    def left(**inputs):
        [[_, face]] = add(**inputs).result[0][0].shown
        return face.box[0]

    assert (left(), left(face=2)) == (120, 20)
    assert (left(order="left to right"), left(order="left to right", face=2)) == (20, 120)


def test_the_taken_face_is_marked_in_the_preview(add):
    assert not torch.equal(add().result[1], add(face=2).result[1])


def test_faces_from_detect_faces_are_taken(add, execute, image):
    from likeness.nodes.faces.detect import DetectFaces

    faces = execute(DetectFaces, image=image, detector="given region", region=REGION, take="all").result[0]
    [person] = add(photo=faces, face=1).result[0]
    assert len(person.shown) == 2


def test_a_detector_from_a_socket_is_asked_instead(add):
    class Nobody:
        key = "nobody is ever found by this one"

        def find(self, pictures):
            return (list[Detection]() for _ in pictures)

    with pytest.raises(NoFaceFoundError):
        add(face_detector=Nobody())
    chain, _, found = add(face_detector=Nobody(), on_no_face="leave out").result
    assert (chain[0].is_left_out, found) == (True, False)


def test_settings_out_of_range_are_refused(add):
    with pytest.raises(InvalidSettingError, match="strength is 5"):
        add(strength=5.0)


def test_a_mask_is_where_the_person_may_be(add):
    mask = torch.zeros(1, 8, 8)
    mask[:, :, :4] = 1
    assert torch.equal(add(mask=mask).result[0][0].mask, mask)
