from __future__ import annotations

import pytest
import torch
from likeness.models.errors import InvalidSettingError, ShapeError
from likeness.models.omniportrait.references import CROP_SIZE, Person, References


def crops(count):
    return torch.zeros(count, 3, CROP_SIZE, CROP_SIZE)


def test_adding_a_person_leaves_the_chain_as_it_was():
    one = References().add(Person(name="Ann", crops=crops(1)))
    two = one.add(Person(name="Ben", crops=crops(2)))
    assert [person.name for person in one.people] == ["Ann"]
    assert [person.name for person in two.people] == ["Ann", "Ben"]


def test_several_crops_of_one_person_become_one_embedding():
    chain = References().add(Person(name="Ann", crops=crops(1))).add(Person(name="Ben", crops=crops(2)))
    encoded = torch.tensor([[1.0, 0.0], [2.0, 4.0], [4.0, 0.0]])
    assert chain.embeddings(encoded).tolist() == [[1.0, 0.0], [3.0, 2.0]]


@pytest.mark.parametrize(
    ("what", "error", "named"),
    [
        ({"crops": torch.zeros(1, 3, 8, 8)}, ShapeError, "crops"),
        ({"crops": crops(0)}, InvalidSettingError, "no face"),
        ({"crops": crops(1), "mask": torch.full((4, 4), float("nan"))}, InvalidSettingError, "NaN"),
    ],
)
def test_a_person_needs_a_face_and_a_mask_of_numbers(what, error, named):
    with pytest.raises(error, match=named):
        Person(name="Ann", **what)
