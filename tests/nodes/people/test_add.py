"""Add Person: its widgets, its chain, and what it shows."""

from __future__ import annotations

import inspect

import pytest
import torch
from likeness.models.errors import InvalidSettingError, NoFaceFoundError
from likeness.models.face.types import Detection

pytestmark = pytest.mark.comfy

REGION = "20 20 60 60\n120 10 190 80"
RARE = {"order", "detector", "region", "start_percent", "end_percent", "on_no_face", "photos"}


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


def test_it_has_ten_widgets_at_most_and_the_rare_ones_are_folded_where_that_is_known(schema):
    from comfy_api.latest import io

    widgets = [each for each in schema.inputs if hasattr(each, "default") and each.id not in ("photo", "mask")]
    assert 5 <= len(widgets) <= 10
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
    expected = ["auto", "insightface", "yunet", "mtcnn", "given region", "face crop", "drawn faces (miniature)"]
    assert list(inputs["detector"].options) == expected
    assert "nearest to point" not in inputs["order"].options, "there is no point to be nearest to"
    assert [name for name, each in inputs.items() if each.optional] == ["people", "mask", "face_detector", "photos"]


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


def test_the_page_is_told_of_faces_and_people_in_the_persons_colour(add):
    first = add(name="Ann").result[0]
    output = add(name="Ben", people=first, face=2)
    [photo] = output.ui["likeness_faces"]
    people = output.ui["likeness_people"]
    assert [face["taken"] for face in photo["faces"]] == [
        True,
        False,
    ]  # the larger one, which was detected second, is 1
    assert [person["name"] for person in people] == ["Ann", "Ben"]
    assert photo["colour"] == people[1]["colour"] != people[0]["colour"]
    assert len(output.ui["likeness_photos"]) == len(output.ui["images"]) == 1


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


@pytest.fixture(scope="module")
def drawings():
    """Five portraits of one drawn person, the third of which shows somebody else, (5, 128, 128, 3)."""
    from likeness.miniature.world.world import World

    world = World(seed=777)
    portraits = [world.portraits([1 if take == 2 else 0], take=take).image for take in range(5)]
    return torch.cat(portraits).movedim(1, -1)


@pytest.fixture
def add_drawn(execute, drawings):
    from likeness.nodes.people.add import AddPerson

    return lambda **inputs: execute(AddPerson, **({"photo": drawings, "detector": "drawn faces (miniature)"} | inputs))


def test_the_last_widget_is_how_photos_are_weighed_and_saved_workflows_do_as_before(schema, add_drawn):
    assert schema.inputs[-1].id == "photos"
    assert schema.inputs[-1].options == ["all equally", "by likeness", "leave outliers out"]
    [person], preview, _ = add_drawn().result
    assert [photo.weight for photo in person.photos] == [1.0] * 5
    assert not any(photo.is_outlier for photo in person.photos)
    [same], same_preview, _ = add_drawn(photos="all equally").result
    assert torch.equal(preview, same_preview)
    assert len(same.shown) == 5


@pytest.mark.parametrize(("photos", "left"), [("by likeness", 5), ("leave outliers out", 4)])
def test_a_stranger_among_five_photos_is_red_and_counts_less_or_nothing(add_drawn, photos, left):
    from likeness.models.face.preview import OUTLIER

    [person], preview, found = add_drawn(photos=photos).result
    assert found
    assert [photo.is_outlier for photo in person.photos] == [False, False, True, False, False]
    weights = [photo.weight for photo in person.photos]
    assert max(weights) == 1.0
    assert weights[2] < 0.1 < 0.5 <= min(weight for place, weight in enumerate(weights) if place != 2)
    assert (weights[2] == 0) is (photos == "leave outliers out")
    assert len(person.shown) == left
    red = ((preview * 255 - torch.tensor(OUTLIER)).abs().amax(-1) < 12).float().mean((1, 2))
    assert [bool(share > 0.001) for share in red] == [False, False, True, False, False]


def test_whoever_is_left_out_is_as_if_the_photo_was_not_there(add_drawn, drawings):
    [person] = add_drawn(photos="leave outliers out").result[0]
    [fewer] = add_drawn(photo=drawings[[0, 1, 3, 4]], photos="leave outliers out").result[0]
    assert [photo.weight for photo, _ in person.shown] == [photo.weight for photo, _ in fewer.shown]
    for (_, face), (_, other) in zip(person.shown, fewer.shown, strict=True):
        assert (face.crop == other.crop).all()


def test_without_a_recogniser_three_photos_are_refused_with_what_to_do(execute, drawings):
    from likeness.models.errors import MissingModelFileError
    from likeness.nodes.people.add import AddPerson

    given = {"photo": drawings, "detector": "given region", "photos": "by likeness"}
    region = "\n".join(f"image {number}\n30 30 90 90" for number in range(1, 6))
    with pytest.raises(
        MissingModelFileError, match=r'no w600k_r50.onnx.* or set "photos" of Add Person to "all equally"'
    ):
        execute(AddPerson, region=region, **given)
    [person] = execute(
        AddPerson, region=region[: region.index("image 3")].strip(), **(given | {"photo": drawings[:2]})
    ).result[0]
    assert max(photo.weight for photo in person.photos) == 1.0, "of two nobody can be told the stranger"
