"""What a verdict is worth: verdicts are written here by hand, for people of the world."""

from __future__ import annotations

import pytest
import torch
from likeness.miniature.judge.scores import agreement, all_recognised, identity_hits, likelihoods, merge, text_hits
from likeness.miniature.world.people.identity import EYES, FACE, HAIR_COLOUR, SKIN
from likeness.miniature.world.world import World
from likeness.tests.miniature.verdicts import truth, verdict_of

ADA = [0, 1, 2, 3, 0, 1, 2]
BEN = [1, 4, 5, 0, 2, 3, 0]
CLEO = [2, 4, 5, 0, 2, 0, 1]  # Ben's skin, hair and eyes
STRANGERS = torch.tensor([[3, 0, 0, 1, 1, 4, 1], [0, 5, 3, 2, 3, 2, 2]])


@pytest.fixture(scope="module", params=[(1, 1), (1, 3)], ids=["alone", "up to three"])
def scene(request):
    return World(seed=5).scenes(range(12), people=request.param)


def test_a_true_picture_hits_everything_that_its_caption_says(scene):
    for row, count in enumerate(scene.facts.people.tolist()):
        people, seen = truth(scene, row)
        hits = text_hits(verdict_of(*people, **seen), scene.facts, scene.codes, row, 128)
        assert hits.keys() - {"side"} == {"people", "pattern", "tint", "noun", "clothing", "accessory"}
        assert ("side" in hits) == (count == 1)
        assert [len(hits[name]) for name in ("noun", "clothing", "accessory")] == [count] * 3
        assert all(all(each) for each in hits.values())


def test_each_fault_is_counted_by_its_name(scene):
    people, seen = truth(scene, 0)
    others = [list(person) for person in people]
    others[0][FACE] = (others[0][FACE] + 1) % 4
    wrong = {
        "clothing": [(seen["clothing"][0] + 1) % 6, *seen["clothing"][1:]],
        "accessory": [(seen["accessory"][0] + 1) % 3, *seen["accessory"][1:]],
        "pattern": (seen["pattern"] + 1) % 5,
        "tint": (seen["tint"] + 1) % 4,
    }
    faults = {name: verdict_of(*people, **seen | {name: answer}) for name, answer in wrong.items()}
    faults["noun"] = verdict_of(*others, **seen)
    if scene.facts.side[0] >= 0:
        faults["side"] = verdict_of(*people, **seen | {"at": [(seen["at"][0] + 128 / 3) % 128]})
    for name, verdict in faults.items():
        hits = text_hits(verdict, scene.facts, scene.codes, 0, 128)
        assert [key for key, found in hits.items() if not all(found)] == [name]
        assert hits[name].count(False) == 1


def test_with_a_person_too_many_all_that_is_said_of_people_is_missed(scene):
    people, seen = truth(scene, 0)
    verdict = verdict_of(*people, BEN, pattern=seen["pattern"], tint=seen["tint"])
    hits = text_hits(verdict, scene.facts, scene.codes, 0, 128)
    assert hits["pattern"] == hits["tint"] == [True]
    assert hits["people"] == [False]
    assert hits["noun"] == hits["clothing"] == hits["accessory"] == [False] * len(people)


def of_each(*found):
    """The same of every attribute."""
    return {name: list(found) for name in ("skin", "hair colour", "eyes")}


def test_people_are_found_wherever_they_stand():
    codes = torch.tensor([ADA, BEN])
    for order in ((ADA, BEN), (BEN, ADA)):
        assert identity_hits(verdict_of(*order), codes) == of_each(True, True)


def test_one_face_is_not_taken_for_two_people():
    codes = torch.tensor([ADA, BEN])
    twice_ada = identity_hits(verdict_of(ADA, ADA), codes)
    assert twice_ada == of_each(True, False)
    assert identity_hits(verdict_of(BEN), codes) == of_each(False, True)
    assert identity_hits(verdict_of(), codes) == of_each(False, False)


@pytest.mark.parametrize(("place", "name"), [(SKIN, "skin"), (HAIR_COLOUR, "hair colour"), (EYES, "eyes")])
def test_an_attribute_that_is_wrong_is_missed_alone(place, name):
    other = list(ADA)
    other[place] += 1
    hits = identity_hits(verdict_of(other, BEN), torch.tensor([ADA, BEN]))
    assert hits == of_each(True, True) | {name: [False, True]}


def test_everybody_has_to_be_told_from_strangers():
    assert all_recognised(verdict_of(BEN, ADA), torch.tensor([ADA, BEN]), STRANGERS)
    assert all_recognised(verdict_of(BEN), torch.tensor([BEN]), torch.tensor([CLEO, ADA]))
    for seen in ((ADA, ADA), (ADA,), (ADA, BEN, BEN), (ADA, STRANGERS[0].tolist()), (ADA, CLEO)):
        line_up = torch.cat((STRANGERS, torch.tensor([CLEO])))
        assert not all_recognised(verdict_of(*seen), torch.tensor([ADA, BEN]), line_up), seen


def test_the_faces_shape_tells_nobody_apart_since_the_caption_says_it():
    other = [3, *BEN[1:]]
    assert all_recognised(verdict_of(other), torch.tensor([BEN]), STRANGERS)


def test_faces_agree_in_as_many_attributes_as_are_the_same():
    assert agreement(verdict_of(BEN, CLEO)) == 1
    assert agreement(verdict_of(ADA, BEN)) == 0
    assert agreement(verdict_of(ADA, [*ADA[:SKIN], 5, *ADA[SKIN + 1 :]])) == pytest.approx(2 / 3)
    assert agreement(verdict_of(ADA)) is None


def test_likelihoods_add_up_over_attributes():
    verdict = verdict_of(ADA, BEN)
    both = likelihoods(verdict, torch.tensor([ADA, BEN, CLEO]), ("skin", "mole"))
    parts = [likelihoods(verdict, torch.tensor([ADA, BEN, CLEO]), (name,)) for name in ("skin", "mole")]
    assert both.shape == (2, 3)
    torch.testing.assert_close(both, parts[0] + parts[1])
    assert both.argmax(-1).tolist() == [0, 1]


def test_hits_of_many_pictures_are_joined_by_name():
    assert merge([{"tint": [True], "side": [False]}, {"tint": [False, True]}]) == {
        "tint": [True, False, True],
        "side": [False],
    }
