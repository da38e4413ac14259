"""What the conds of a run are."""

from __future__ import annotations

import pytest
import torch
from likeness.models.port.attention import Crop, Polarity

pytestmark = pytest.mark.comfy


def known(conds, size=(16, 24)):
    from likeness.host.sampling.conds import conds_by_uuid

    return conds_by_uuid(conds, size)


def test_sides_are_known_by_the_guiders_names_and_unknown_ones_are_positive():
    names = ("positive", "middle", "negative", "empty_negative_prompt", "another packs side")
    found = known({name: [{"uuid": name}] for name in names})
    assert [found[name].polarity for name in names] == [
        Polarity.POSITIVE,
        Polarity.MIDDLE,
        Polarity.NEGATIVE,
        Polarity.NEGATIVE,
        Polarity.POSITIVE,
    ]


def test_a_side_may_be_missing():
    assert known({"positive": [{"uuid": 1}], "negative": None, "middle": []}).keys() == {1}


@pytest.mark.parametrize(
    ("area", "crop"),
    [
        ((8, 12, 4, 6), Crop(4, 6, 8, 12, 16, 24)),
        ((16, 24, 8, 16), Crop(8, 16, 8, 8, 16, 24)),  # what reaches beyond the picture is cut off
        (None, None),
        (("percentage", 0.5, 0.5), None),
    ],
)
def test_areas_are_crops_inside_the_latent(area, crop):
    assert known({"positive": [{"uuid": 1, "area": area}]})[1].crop == crop


def test_areas_of_video_are_no_crops():
    assert known({"positive": [{"uuid": 1, "area": (2, 8, 8, 0, 0, 0)}]}, size=(4, 16, 24))[1].crop is None


def test_owners_and_pivots_come_with_the_entry():
    entry = {"uuid": 1, "likeness.owners": (0, -1), "likeness.named rows": ((0, 3),)}
    found = known({"positive": [entry, {"uuid": 2}]})
    assert (found[1].owners, found[1].named_rows) == ((0, -1), ((0, 3),))
    assert (found[2].owners, found[2].named_rows) == ((), ())


def test_an_entry_that_core_copies_to_the_other_side_becomes_a_cond_of_its_own():
    positive = {"uuid": 1, "area": (8, 8, 0, 0)}
    negative = dict(positive)
    found = known({"positive": [positive], "negative": [negative]})
    assert len(found) == 2
    assert found[positive["uuid"]].polarity is Polarity.POSITIVE
    assert found[negative["uuid"]].polarity is Polarity.NEGATIVE


def test_texts_are_those_of_the_entries_that_have_one():
    import comfy.conds
    from likeness.host.sampling.conds import texts_by_uuid

    text = torch.zeros(1, 7, 4)
    entries = [
        {"uuid": 1, "model_conds": {"c_crossattn": comfy.conds.CONDCrossAttn(text)}},
        {"uuid": 2, "model_conds": {"y": comfy.conds.CONDRegular(text)}},
        {"uuid": 3},
    ]
    found = texts_by_uuid({"positive": entries, "negative": None})
    assert list(found) == [1]
    assert found[1] is text
