"""What the judge's readers are taught."""

from __future__ import annotations

import pytest

pytest.importorskip("diffusers")

from likeness.miniature.judge.readers import PERSON
from likeness.miniature.recipe.steps.readers import person_answers
from likeness.miniature.world.people.identity import ATTRIBUTES
from likeness.miniature.world.world import World

WORLD = World(seed=4)


@pytest.fixture(scope="module")
def scene():
    return WORLD.scenes(range(8), people=(1, 3))


def test_the_judge_is_taught_what_is_true_of_everybody_who_is_there(scene):
    answers = person_answers(scene)
    people = list(zip(*scene.present.nonzero(as_tuple=True), strict=True))
    assert answers.keys() == PERSON.keys()
    for place, attribute in enumerate(ATTRIBUTES):
        assert answers[attribute.name].tolist() == [
            int(scene.codes[picture, person, place]) for picture, person in people
        ]
    for name in ("clothing", "accessory"):
        assert answers[name].tolist() == [int(getattr(scene.facts, name)[place]) for place in people]
