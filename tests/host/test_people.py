"""People in ComfyUI: from photos to a person, and who is in a picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.models.errors import BadImageError, InvalidSettingError, NoFaceFoundError
from likeness.models.face.types import Detection
from likeness.models.people.person import People, PersonSettings
from likeness.models.placement.placements import Everywhere
from likeness.tests.people import crowd, someone

pytestmark = pytest.mark.comfy

POINTS = np.float32([[0.3, 0.35], [0.7, 0.35], [0.5, 0.55], [0.35, 0.75], [0.65, 0.75]])


class Counted:
    """A `FaceDetector` that finds as many faces as a picture's first pixel says: side by side, the right one largest."""

    key = "as many faces as the first pixel says"

    def at_size(self, size):
        return self

    def find(self, pictures):
        for picture in pictures:
            yield [self._face(place) for place in range(picture[0, 0, 0])]

    def _face(self, place):
        corner, side = np.array([4 + 40 * place, 4], np.float32), 20 + 5 * place
        return Detection(np.concatenate([corner, corner + side]), corner + side * POINTS, 0.9)


def photos(*counts):
    """A batch of random pictures with so many faces each."""
    pictures = np.random.default_rng(0).integers(0, 256, (len(counts), 48, 120, 3)).astype(np.uint8)
    pictures[:, 0, 0, 0] = counts
    return torch.from_numpy(pictures).float() / 255


@pytest.fixture
def make():
    from likeness.host.people import FaceChoice, make_person

    def run(photo, *, name="Ann", mask=None, settings=PersonSettings(), on_no_face="error", **choice):  # noqa: B008
        choice = FaceChoice(**({"given": Counted()} | choice))
        return make_person(photo, choice, name=name, mask=mask, settings=settings, on_no_face=on_no_face)

    return run


def lefts(person):
    """The left edge of each face that was taken."""
    return [float(face.box[0]) for _, face in person.shown]


@pytest.mark.parametrize(
    ("order", "number", "left"),
    [("largest first", 1, 84), ("largest first", 3, 4), ("left to right", 1, 4), ("left to right", 2, 44)],
)
def test_the_face_is_taken_by_its_number_in_an_order(make, order, number, left):
    person, faces = make(photos(3, 3), order=order, number=number)
    assert lefts(person) == [left, left]
    assert len(faces.candidates) == 6
    assert all(len(photo.faces) == 3 for photo in person.photos)


@pytest.mark.parametrize(
    ("choice", "is_chosen"),
    [
        ({}, False),
        ({"order": "left to right"}, True),
        ({"number": 2}, True),
        ({"given": None, "detector": "given region", "region": "4 4 44 44\n50 4 90 44"}, True),
        ({"given": None, "detector": "face crop"}, True),
        ({"detector": "given region"}, False),  # the socket's is used, which nobody told where the face is
    ],
)
def test_photos_tell_whether_somebody_chose_the_face(make, choice, is_chosen):
    person, _ = make(photos(2), **choice)
    assert [photo.is_chosen for photo in person.photos] == [is_chosen]


def test_a_region_says_where_the_face_is(make):
    person, _ = make(photos(0), given=None, detector="given region", region="30 8 60 38")
    assert lefts(person) == [30]


def test_photos_remember_what_the_faces_were_found_with(make):
    person, _ = make(photos(1))
    assert person.photos[0].detector.key == Counted.key


def test_faces_from_elsewhere_are_taken_as_they_are(make):
    from likeness.host.encoders.detector import detect_faces
    from likeness.models.face.analysis import Selection

    found = detect_faces(photos(3, 1), Counted(), selection=Selection(order="left to right", take="all"))
    person, faces = make(found, number=3, detector="face crop")
    assert faces is found
    assert lefts(person) == [4, 44, 84, 4]
    assert all(photo.is_chosen and photo.detector is None for photo in person.photos)


def test_no_face_is_an_error_unless_something_else_was_asked_for(make):
    for counts in ((0,), (1, 0), (0, 0)):
        with pytest.raises(NoFaceFoundError):
            make(photos(*counts))


def test_photos_without_a_face_can_be_skipped_while_a_face_is_left(make):
    person, faces = make(photos(0, 2, 0), on_no_face="skip photo")
    assert len(person.photos) == 1
    assert person.has_face
    assert faces.found
    with pytest.raises(NoFaceFoundError):
        make(photos(0, 0), on_no_face="skip photo")


def test_a_person_can_be_kept_without_a_face(make):
    person, faces = make(photos(0, 0), on_no_face="keep without a face")
    assert not faces.found
    assert not person.has_face
    assert (person.is_left_out, person.is_on) == (False, True)
    assert [photo.taken for photo in person.photos] == [None, None], "the whole photos can still be looked at"


def test_a_person_can_be_left_out(make):
    person, faces = make(photos(0), on_no_face="leave out")
    assert not faces.found
    assert (person.is_left_out, person.is_on) == (True, False)


@pytest.mark.parametrize("on_no_face", ["skip photo", "keep without a face", "leave out"])
def test_where_one_photo_shows_a_face_the_others_do_not_count(make, on_no_face):
    person, _ = make(photos(0, 1), on_no_face=on_no_face)
    assert len(person.photos) == len(person.shown) == 1
    assert person.is_on


def test_a_number_beyond_the_faces_is_no_face(make):
    with pytest.raises(NoFaceFoundError):
        make(photos(2), number=3)
    person, _ = make(photos(2), number=3, on_no_face="leave out")
    assert person.is_left_out


def test_an_unknown_wish_and_a_bad_photo_are_named(make):
    with pytest.raises(InvalidSettingError, match='on_no_face is "shrug"; choose one of: error, skip photo'):
        make(photos(1), on_no_face="shrug")
    with pytest.raises(BadImageError, match="photo"):
        make(photos(1) * float("nan"))


def test_name_mask_and_settings_are_kept(make):
    person, _ = make(photos(1), name="Bea", mask=torch.ones(4, 6), settings=PersonSettings(strength=2.0))
    assert (person.name, person.settings.strength) == ("Bea", 2.0)
    assert person.mask.shape == (1, 4, 6)


def mixed_crowd():
    """Somebody in, switched off, left out, without a face, and in."""
    chain = People()
    for person in (
        someone("in", 1),
        someone("off", 2, strength=0.0),
        someone("left out", 3, is_left_out=True),
        someone("faceless", 4, photos=0),
        someone("too", 5),
    ):
        chain = chain.add(person)
    return chain


@pytest.mark.parametrize(("without_face", "names"), [(False, ["in", "too"]), (True, ["in", "faceless", "too"])])
def test_those_act_who_are_on_and_have_what_the_method_needs(without_face, names):
    from likeness.host.people import acting, people_lines

    assert [person.name for person in acting(mixed_crowd(), without_face=without_face)] == names
    lines = people_lines(mixed_crowd(), [f"place of {name}" for name in names], without_face=without_face)
    assert [line.person.name for line in lines] == ["in", "off", "left out", "faceless", "too"]
    assert [line.person.name for line in lines if line.is_in] == names
    assert all(line.state == f"place of {line.person.name}" for line in lines if line.is_in)


def test_the_lines_say_why_somebody_is_not_in():
    from likeness.host.people import people_lines

    states = [line.state for line in people_lines(mixed_crowd(), ["a", "b"]) if not line.is_in]
    assert [state.split(":")[0] for state in states] == ["off", "left out", "not in"]


def test_the_lines_say_how_everybody_is_placed():
    from likeness.host.people import placed_lines
    from likeness.host.placement import PlacedPeople

    lines = placed_lines(crowd(2), PlacedPeople(Everywhere(2), ("router", "rest")))
    assert [line.state for line in lines] == ["router", "where no mask is"]
    nobody = placed_lines(crowd(2, strength=0.0), None)
    assert [line.is_in for line in nobody] == [False, False]


def graph(**nodes):
    """A queued prompt: `n7=(class, inputs)`; links are node numbers."""
    return {
        key.removeprefix("n").replace("_", ":"): {"class_type": kind, "inputs": inputs}
        for key, (kind, inputs) in nodes.items()
    }


ADD, APPLY = "LikenessAddPerson", "LikenessApplyUniPortrait"


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ({"n1": (ADD, {"name": "Ann"}), "n9": (APPLY, {"people": ["1", 0]})}, []),
        ({"n1": (ADD, {"name": "Ann"}), "n2": (ADD, {"name": " Ben "}), "n9": (APPLY, {"people": ["2", 0]})}, ["Ann"]),
        ({"n1": (ADD, {}), "n2": (ADD, {"people": ["1", 0]}), "n9": (APPLY, {"people": ["2", 0]})}, []),
        ({"n1": (ADD, {}), "n2": ("LikenessMixPeople", {"people": ["1", 0]}), "n9": (APPLY, {"people": ["2", 0]})}, []),
        ({"n3": (ADD, {"name": ""}), "n4": (ADD, {}), "n9": (APPLY, {"strength": 1.0})}, ["node 3", "node 4"]),
        ({"n5_1": (ADD, {"name": "Ann"}), "n9": (APPLY, {"people": ["5:1", 0]})}, []),  # inside a subgraph
        ({"n5_1": (ADD, {}), "n5_2": (ADD, {}), "n9": (APPLY, {"people": ["5:2", 0]})}, ["node 5:1"]),
        ({"n1": ("LoadImage", {}), "n9": (APPLY, {"people": ["7", 0]})}, []),  # a link to a node that is not there
        ({"n1": (ADD, {"people": ["1", 0]}), "n9": (APPLY, {"people": ["1", 0]})}, []),  # a ring ends too
    ],
)
def test_those_are_named_who_do_not_reach_the_node(nodes, expected):
    from likeness.host.people import outside_of

    assert outside_of(graph(**nodes), "9") == expected


def test_links_may_be_numbers_and_the_graph_unknown():
    from likeness.host.people import outside_of

    prompt = graph(n1=(ADD, {}), n2=(ADD, {"name": "Ann"}), n9=(APPLY, {"people": [1, 0]}))
    assert outside_of(prompt, "9") == ["Ann"]
    assert outside_of(None, "9") == []


def test_a_name_that_comes_from_another_node_is_not_known_yet():
    from likeness.host.people import outside_of

    prompt = graph(n1=("PrimitiveString", {"value": "Ann"}), n2=(ADD, {"name": ["1", 0]}), n9=(APPLY, {}))
    assert outside_of(prompt, "9") == ["node 2"]


def test_everybody_who_reaches_another_node_alone_is_named():
    from likeness.host.people import outside_of

    prompt = graph(
        n1=(ADD, {"name": "Ann"}), n2=(ADD, {"name": "Ben"}), n8=(APPLY, {"people": ["1", 0]}),
        n9=(APPLY, {"people": ["2", 0]}),
    )  # fmt: skip
    assert (outside_of(prompt, "8"), outside_of(prompt, "9")) == (["Ben"], ["Ann"])


def test_a_node_s_own_class_name_is_the_one_that_is_looked_for():
    from likeness.host.people import ADDS_PERSON
    from likeness.nodes.people.add import AddPerson

    assert AddPerson.define_schema().node_id == ADDS_PERSON == ADD
