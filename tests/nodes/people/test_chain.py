"""Mix People and Pick Person."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.people.person import People
from likeness.tests.people import crowd, someone

pytestmark = pytest.mark.comfy


@pytest.fixture
def mix(execute):
    from likeness.nodes.people.chain import MixPeople

    return lambda *people, **inputs: execute(MixPeople, people=people[0], other=people[1], **inputs)


@pytest.fixture
def pick(execute):
    from likeness.nodes.people.chain import PickPerson

    return lambda people, number: execute(PickPerson, people=people, number=number).result[0]


def other(name, seed):
    return People().add(someone(name, seed))


def test_mixing_changes_the_last_person_alone(mix, shown):
    both = crowd(2)
    output = mix(both, other("Cid", 9), weight=0.25)
    mixed, preview = output.result
    assert mixed[0] is both[0]
    assert [(part.name, factor) for part, factor in mixed[1].parts] == [("person 2", 0.75), ("Cid", 0.25)]
    assert mixed[1].name == "person 2"
    assert preview.shape[2] == 512
    assert shown(output) == 1


def test_several_are_mixed_one_after_the_other(mix):
    once = mix(crowd(1), other("Bea", 8), weight=0.5).result[0]
    twice = mix(once, other("Cid", 9), weight=0.2).result[0]
    factors = {part.name: factor for part, factor in twice[0].parts}
    assert factors == pytest.approx({"person 1": 0.3, "Bea": 0.5, "Cid": 0.2})


def test_the_preview_tells_what_somebody_is_made_of(mix):
    little, much = (mix(crowd(1), other("Bea", 8), weight=weight).result[1] for weight in (0.1, 0.9))
    assert not torch.equal(little, much)


def test_only_one_person_can_be_mixed_into_somebody(mix):
    with pytest.raises(InvalidSettingError, match="other of Mix People has 2 people and takes one; put Pick Person"):
        mix(crowd(1), crowd(2))
    with pytest.raises(InvalidSettingError, match='put "Add Person" before Mix People'):
        mix(People(), crowd(1))


def test_one_person_is_picked_by_number(pick):
    three = crowd(3)
    assert list(pick(three, 2)) == [three[1]]
    with pytest.raises(InvalidSettingError, match="no person 4: the chain has numbers 1 to 3"):
        pick(three, 4)
    with pytest.raises(InvalidSettingError, match="nobody in it"):
        pick(People(), 1)
