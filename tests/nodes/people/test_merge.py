"""Merge People on the canvas."""

from __future__ import annotations

import pytest
from likeness.tests.people import crowd

pytestmark = pytest.mark.comfy


def test_a_chain_becomes_one_person(execute):
    from likeness.nodes.people.merge import MergePeople

    chain, preview = execute(MergePeople, people=crowd(3))
    assert [person.name for person in chain] == ["person 1"]
    assert len(chain[0].photos) == 3
    assert preview.shape[-1] == 3
    chain, _ = execute(MergePeople, people=crowd(3), how="average", name="all")
    assert (chain[0].name, len(chain[0].mixed)) == ("all", 3)
