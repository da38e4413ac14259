import pytest
import torch
from likeness.models.consistentid.features import FacialFeatures, FeatureChoice
from likeness.models.consistentid.marked_text import MARKER

pytestmark = pytest.mark.comfy

WIDGETS = {"positive": "a man", "negative": "ugly", "start_percent": 0.25, "start_merge_step": 3}


@pytest.fixture
def encode(consistentid, narrow_clip, crowd):
    def run(*, corrected=True, merge_by="percent", people=None, **given):
        from likeness.nodes.consistentid.prompt import EncodeConsistentIDPrompt

        return EncodeConsistentIDPrompt.execute(
            clip=narrow_clip(),
            consistentid=consistentid(corrected=corrected),
            people=crowd() if people is None else people,
            merge_by=merge_by,
            width=512,
            height=512,
            **WIDGETS,
            **given,
        )

    return run


def test_it_gives_both_sides_the_text_and_what_was_found(encode):
    output = encode()
    positive, negative, text, regions, found = output.result
    assert len(positive) == 2
    assert len(negative) == 1
    assert text.count(MARKER) == 5
    assert regions.ndim == 4
    assert regions.max() > 0.5
    assert found == "person 1: Face, Left_Eye, Left_Ear, Nose, Upper_Lip"
    shown = output.ui if isinstance(output.ui, dict) else output.ui.as_dict()
    assert len(shown["images"]) == 1


def test_merging_is_by_percent_or_by_step(encode):
    by_percent = encode().result[0]
    assert by_percent[1][1]["start_percent"] == 0.25
    points = {}
    for corrected in (False, True):
        [(_, options), _] = encode(corrected=corrected, merge_by="step").result[0]
        points[corrected] = options["likeness.merge"].point
    assert (points[True].step, points[True].inclusive, points[False].inclusive) == (3, False, True)


def test_wishes_are_followed_and_without_regions_the_sheet_is_black(encode):
    features = FacialFeatures((FeatureChoice(person=1, strengths={}),))
    _, _, text, regions, found = encode(features=features).result
    assert text == "a man"
    assert not regions.any()
    assert found == "person 1: none"


def test_nobody_is_no_error(encode, crowd):
    positive, _, text, regions, found = encode(people=crowd(0)).result
    assert len(positive) == 1
    assert (text, found) == ("a man", "")
    assert not torch.any(regions)
