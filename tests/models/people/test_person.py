"""People as values: who counts, numbers that never move, names, mixing, and photos of faces that were taken."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from likeness.models.errors import InvalidSettingError, ShapeError
from likeness.models.face.analysis import Selection, analyze
from likeness.models.face.given import GivenRegions
from likeness.models.people.person import MOST_LETTERS, People, PersonSettings, free_name
from likeness.models.people.photo import photos_of, weights_of
from likeness.tests.people import crowd, someone

TWO_FACES = "10 10 50 50\n60 10 90 40"


@pytest.mark.parametrize(
    "settings",
    [{"strength": -0.1}, {"strength": 4.1}, {"strength": math.nan}, {"start_percent": 1.5}, {"end_percent": -1}],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InvalidSettingError, match=f"{next(iter(settings))} is"):
        PersonSettings(**settings)


def test_masks_get_a_picture_axis_and_must_hold_something():
    assert someone(mask=torch.ones(4, 6)).mask.shape == (1, 4, 6)
    assert someone(mask=torch.ones(3, 4, 6)).mask.shape == (3, 4, 6)
    with pytest.raises(ShapeError, match=r"\(H, W\)"):
        someone(mask=torch.ones(4))
    for empty in (torch.full((4, 4), math.nan), torch.zeros(0, 4)):
        with pytest.raises(InvalidSettingError, match="empty or holds NaN"):
            someone(mask=empty)


@pytest.mark.parametrize(
    ("settings", "counts"),
    [
        ({}, True),
        ({"strength": 0}, False),
        ({"start_percent": 0.5, "end_percent": 0.5}, False),
        ({"start_percent": 0.8, "end_percent": 0.2}, False),
        ({"start_percent": 0.999}, True),
        ({"is_left_out": True}, False),
    ],
)
def test_who_is_on(settings, counts):
    assert someone(**settings).is_on is counts


def test_a_face_is_known_only_of_those_whose_photos_show_one():
    seen = someone(photos=2)
    unseen = replace(seen, photos=tuple(replace(photo, taken=None) for photo in seen.photos))
    half = replace(seen, photos=(seen.photos[0], unseen.photos[1]))
    assert [person.has_face for person in (seen, unseen, half)] == [True, False, True]
    assert [len(person.shown) for person in (seen, unseen, half)] == [2, 0, 1]


def test_a_photo_of_weight_0_is_left_out_and_stays_among_the_photos():
    seen = someone(photos=3)
    first, second, third = seen.photos
    weighed = replace(seen, photos=(replace(first, weight=0.0), second, replace(third, weight=0.5)))
    assert [photo.picture is whole.picture for photo, whole in zip(weighed.counted, (second, third), strict=True)] == [
        True,
        True,
    ]
    assert [photo for photo, _ in weighed.shown] == list(weighed.counted)
    assert len(weighed.photos) == 3
    assert weights_of(weighed.counted) == [1.0, 0.5]
    assert not replace(weighed, photos=weighed.photos[:1]).has_face


def test_weights_go_by_the_largest():
    photos = someone(photos=3).photos
    assert weights_of(replace(photo, weight=0.3) for photo in photos) == [1.0, 1.0, 1.0]
    assert weights_of(replace(photo, weight=weight) for photo, weight in zip(photos, (4.0, 1.0, 2.0), strict=True)) == [
        1.0,
        0.25,
        0.5,
    ]


@pytest.mark.parametrize("weight", [-0.1, math.nan, math.inf])
def test_a_weight_that_is_none_is_refused(weight):
    with pytest.raises(InvalidSettingError, match="A photo's weight is"):
        replace(someone().photos[0], weight=weight)


def test_numbers_names_and_places():
    chain = People().add(someone("Ada")).add(someone(" ")).add(someone("Ada"))
    assert [person.name for person in chain] == ["Ada", "person 2", "Ada 2"]
    assert chain.place_of(3) == 2
    assert [person.name for person in chain.pick(2)] == ["person 2"]
    for number in (0, 4):
        with pytest.raises(InvalidSettingError, match=f"no person {number}: the chain has numbers 1 to 3"):
            chain.pick(number)
    with pytest.raises(InvalidSettingError, match="nobody in it"):
        People().place_of(1)


def test_chains_never_change():
    one = crowd(1)
    two = one.add(someone())
    assert [len(chain) for chain in (People(), one, two)] == [0, 1, 2]
    assert two[0] is one[0]


def test_whoever_is_mixed_in_takes_from_the_main_person():
    main, first, second = (someone(name, seed) for seed, name in enumerate("abc"))
    chain = People().add(main).mix_into_last(first, 0.3).mix_into_last(second, 0.9)
    [mixed] = chain
    assert [part.name for part, _ in mixed.parts] == ["a", "b", "c"]
    assert [factor for _, factor in mixed.parts] == pytest.approx([1 - 1.2, 0.3, 0.9])  # the sum may exceed 1
    assert mixed.has_face
    assert main.parts == ((main, 1.0),)


def test_what_cannot_be_mixed_is_told():
    with pytest.raises(InvalidSettingError, match="nobody to mix"):
        People().mix_into_last(someone(), 0.3)
    with pytest.raises(InvalidSettingError, match=r"weight is 1\.5"):
        crowd(1).mix_into_last(someone(), 1.5)
    [mixed] = crowd(1).mix_into_last(someone(), 0.3)
    with pytest.raises(InvalidSettingError, match="mixed already"):
        crowd(1).mix_into_last(mixed, 0.3)


def test_an_input_for_one_person_takes_one():
    assert crowd(1).only("other").name == "person 1"
    for count in (0, 2):
        with pytest.raises(InvalidSettingError, match=f"other has {count} people"):
            crowd(count).only("other")


def test_photos_keep_the_whole_picture_and_all_its_faces():
    picture = np.zeros((80, 100, 3), np.uint8)
    empty = np.zeros((80, 100, 3), np.uint8)
    detector = GivenRegions(TWO_FACES)
    faces = analyze([picture, empty], detector, Selection(number=2), "go on")
    second, nobody = photos_of(faces, detector, is_chosen=True)
    assert second.picture is picture
    assert len(second.faces) == 2
    assert second.taken is second.faces[1]
    assert (second.is_chosen, second.detector) == (True, detector)
    assert (nobody.taken, nobody.faces) == (None, ())


def test_several_faces_of_one_picture_are_as_many_photos():
    picture = np.zeros((80, 100, 3), np.uint8)
    faces = analyze([picture], GivenRegions(TWO_FACES), Selection(take="all"))
    photos = photos_of(faces, None, is_chosen=True)
    assert [photo.taken for photo in photos] == list(faces.faces)
    assert all(photo.picture is picture for photo in photos)


def test_a_name_that_is_taken_gets_the_next_free_number():
    assert free_name("Ada", []) == "Ada"
    assert free_name("Ada", ["Ada", "Ada 2"]) == "Ada 3"


def test_a_name_has_an_end_and_whole_characters():
    assert People().add(someone("a" * MOST_LETTERS))[0].name == "a" * MOST_LETTERS
    with pytest.raises(InvalidSettingError, match="1,000,000 letters") as caught:
        someone("a" * 1_000_000)
    assert len(str(caught.value)) <= 300
    with pytest.raises(InvalidSettingError, match="half a character"):
        someone("Anna \ud83d")
