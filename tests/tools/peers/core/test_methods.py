"""Our methods as they are wired on a stage."""

from __future__ import annotations

import pytest
from likeness.tests.tools.peers.core.definitions import definitions, find
from likeness.tools.peers.core.methods import FACE, METHODS
from likeness.tools.peers.core.stage import Stage
from likeness.tools.workflows.formats import to_api
from likeness.tools.workflows.miniature import SIZE

ENDS = {
    "uniportrait": ("LikenessApplyUniPortrait", "CLIPTextEncode"),
    "consistentid": ("LikenessApplyConsistentID", "LikenessEncodeConsistentIDPrompt"),
    "omniportrait": ("LikenessLoadMiniature", "LikenessEncodeOmniPortraitPrompt"),
    "ip-adapter": ("LikenessApplyIPAdapter", "LikenessEncodePeoplePrompt"),
    "reference-guidance": ("LikenessApplyReferenceGuidance", "CLIPTextEncode"),
}


def staged(name):
    method = METHODS[name]
    stage = Stage(definitions(), text=method.text, pictures=2, is_masked=False)
    method.encode(stage)
    if method.apply is not None:
        method.apply(stage)
    return stage


@pytest.mark.parametrize("name", METHODS)
def test_model_and_prompt_come_from_the_methods_own_nodes(name):
    stage = staged(name)
    assert (stage.model.node.kind, stage.positive.node.kind) == ENDS[name]
    assert stage.positive != stage.negative


def test_the_router_has_two_people_to_place():
    prompt = to_api(staged("uniportrait").graph)
    first, second = find(prompt, "LikenessAddPerson")
    assert (first["photo"], second["photo"]) == (["1", 9], ["1", 10])
    assert "people" not in first
    assert second["people"][1] == 0


def test_the_pivot_comes_without_guidance():
    kinds = {node.kind for node in staged("omniportrait").graph.nodes}
    assert "LikenessApplyReferenceGuidance" not in kinds


def test_guidance_knows_its_place_by_a_mask_inside_the_picture():
    prompt = to_api(staged("reference-guidance").graph)
    [person] = find(prompt, "LikenessAddPerson")
    assert prompt[person["mask"][0]]["class_type"] == "MaskComposite"
    x, y, width, height = FACE
    assert x + width <= SIZE
    assert y + height <= SIZE


def test_the_face_is_merged_while_the_run_goes_on():
    [prompt] = find(to_api(staged("consistentid").graph), "LikenessEncodeConsistentIDPrompt")
    assert prompt["merge_by"] == "percent"
    assert 0 < prompt["start_percent"] < 1
