"""Several entries of a chain as one person: photos and cards together, averages, and what cannot come together."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.facestudio.encode import face_vectors
from likeness.models.people.encodings import Encodings
from likeness.models.people.merging import merge_people
from likeness.models.people.person import People
from likeness.models.people.remembered import RememberedRecogniser
from likeness.tests.models.people.through_cards import through_a_card
from likeness.tests.people import PixelVectors, crowd, someone


@pytest.fixture
def look():
    recogniser = RememberedRecogniser(PixelVectors(8), Encodings())
    return lambda person: face_vectors([person], recogniser)


def test_photos_of_the_same_person_come_together():
    anna = someone("Anna", photos=3)
    one_each = People(tuple(replace(anna, photos=(photo,)) for photo in anna.photos))
    merged = merge_people(one_each, "same person")
    assert (merged.name, merged.photos, merged.encodings) == ("Anna", anna.photos, None)


@pytest.mark.parametrize("keeps", ["nothing", "photos"])
def test_cards_of_the_same_person_say_what_all_photos_say(tmp_path, look, keeps):
    anna = someone("Anna", photos=2)
    cards = []
    for photo in anna.photos:
        cards.append(through_a_card(replace(anna, photos=(photo,)), [look], tmp_path, keeps))
    merged = merge_people(People(tuple(cards)), "same person", "A.")
    assert (merged.name, len(merged.looked)) == ("A.", 2)
    assert torch.equal(look(merged), look(anna))
    again = through_a_card(merged, [], tmp_path, keeps)
    assert torch.equal(look(again), look(anna))


def test_different_people_are_averaged_in_a_method_s_own_space(tmp_path, look):
    people = crowd(4)
    merged = merge_people(people, "average")
    assert [factor for _, factor in merged.mixed] == [0.25] * 4
    cards = People(tuple(through_a_card(person, [look], tmp_path) for person in people))
    assert torch.equal(look(merge_people(cards, "average")), look(merged))


def test_what_cannot_come_together_is_a_sentence(tmp_path, look):
    card = through_a_card(someone("Anna"), [look], tmp_path)
    for wrong, says in (
        (People(), "There is nobody to merge"),
        (People((card, someone("Anna", 1))), 'with photos ."Anna".; save a card'),
        (crowd(2).mix_into_last(someone("Carl"), 0.3), "is mixed of several people already"),
    ):
        with pytest.raises(InvalidSettingError, match=says):
            merge_people(wrong, "same person")
    with pytest.raises(InvalidSettingError, match='how is "sum"'):
        merge_people(crowd(2), "sum")
