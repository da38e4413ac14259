"""Wishes about people's facial features: one entry a person, numbers that are somebody, no circles."""

import math

import pytest
from likeness.models.consistentid.features import NO_WISHES, FacialFeatures, FeatureChoice
from likeness.models.errors import InvalidSettingError


def lends(**lenders):
    """Wishes in which person number p<n> takes from another number."""
    return FacialFeatures(
        tuple(FeatureChoice(person=int(name[1:]), others_from=lender) for name, lender in lenders.items())
    )


def test_a_person_without_an_entry_shows_everything():
    assert NO_WISHES.of(3) == FeatureChoice(person=3)
    assert dict(NO_WISHES.of(3).strengths) == dict.fromkeys(("face", "ears", "eyes", "nose", "mouth"), 1.0)


def test_wishes_are_added_and_found_by_number():
    two = NO_WISHES.add(FeatureChoice(person=2, caption="a nose")).add(FeatureChoice(person=1, strengths={}))
    assert two.of(2).caption == "a nose"
    assert two.of(1).strengths == {}
    assert NO_WISHES.choices == ()


def test_two_entries_for_one_person_are_refused():
    with pytest.raises(InvalidSettingError, match="twice for person 2; change the number of one"):
        NO_WISHES.add(FeatureChoice(person=2)).add(FeatureChoice(person=2))


@pytest.mark.parametrize("strength", [-0.1, 2.1, math.nan])
def test_a_strength_out_of_range_is_refused(strength):
    with pytest.raises(InvalidSettingError, match="nose_strength is"):
        FeatureChoice(person=1, strengths={"nose": strength})


def test_an_unknown_feature_is_refused():
    with pytest.raises(InvalidSettingError, match='no facial feature "chin"; choose among face'):
        FeatureChoice(person=1, strengths={"chin": 1.0})


@pytest.mark.parametrize(
    ("wishes", "people", "said"),
    [
        (lends(p3=0), 2, "person of Set Facial Features is 3, but the chain has numbers 1 to 2"),
        (lends(p0=0), 2, "person of Set Facial Features is 0"),
        (lends(p1=4), 3, "others_from of Set Facial Features is 4, but the chain has numbers 1 to 3"),
        (lends(p1=0), 0, "but the chain has nobody in it"),
    ],
)
def test_a_number_that_is_nobody_is_refused(wishes, people, said):
    with pytest.raises(InvalidSettingError, match=said):
        wishes.check(people)


@pytest.mark.parametrize(
    ("wishes", "way"),
    [
        (lends(p2=2), "person 2 from person 2"),
        (lends(p1=2, p2=1), "person 1 from person 2 from person 1"),
        (lends(p1=2, p2=3, p3=2), "person 1 from person 2 from person 3 from person 2"),
    ],
)
def test_features_that_go_round_in_a_circle_are_refused(wishes, way):
    with pytest.raises(InvalidSettingError, match=rf"circle \({way}\); set others_from"):
        wishes.check(3)


def test_a_chain_of_lenders_and_two_who_take_from_one_are_fine():
    assert lends(p1=2, p2=3).check(3) is None
    assert lends(p1=3, p2=3).check(3) is None
