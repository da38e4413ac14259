"""ConsistentID's workflows."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.graphs import built, chain, node_of, nodes_of, source
from likeness.tools.workflows.consistentid import WORKFLOWS


@pytest.mark.parametrize("name", WORKFLOWS)
def test_settings_are_those_of_the_published_demos(name):
    graph = built(name)
    sampler, prompt = node_of(graph, "KSampler"), node_of(graph, "LikenessEncodeConsistentIDPrompt")
    assert sampler.values["steps"] == 50
    assert (prompt.values["merge_by"], prompt.values["start_percent"]) == ("percent", 0.6)  # after step 30 of 50
    assert sampler.values["cfg"] == (7.5 if "SDXL" in name or "new face" in name else 5.0)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_prompt_and_model_get_the_same_people(name):
    graph = built(name)
    prompt, applied = node_of(graph, "LikenessEncodeConsistentIDPrompt"), node_of(graph, "LikenessApplyConsistentID")
    assert chain(source(prompt, "people")) == chain(source(applied, "people")) == nodes_of(graph, "LikenessAddPerson")


def test_sdxl_is_told_the_size_of_the_picture():
    graph = built("ConsistentID - one person with SDXL")
    prompt, latent = node_of(graph, "LikenessEncodeConsistentIDPrompt"), node_of(graph, "EmptyLatentImage")
    assert [(node.values["width"], node.values["height"]) for node in (prompt, latent)] == [(864, 1152)] * 2
    assert "SDXL" in node_of(graph, "LikenessLoadConsistentID").files[0].name


def test_features_come_from_a_person_who_only_lends_them():
    graph = built("ConsistentID - eyes and mouth of another person")
    features = node_of(graph, "LikenessSetFacialFeatures")
    off = [name for name in ("face", "eyes", "ears", "nose", "mouth") if not features.values[name]]
    assert (features.values["person"], off, features.values["others_from"]) == (1, ["eyes", "mouth"], 2)
    assert [person.values["strength"] for person in nodes_of(graph, "LikenessAddPerson")] == [1.0, 0.0]
    assert source(node_of(graph, "LikenessEncodeConsistentIDPrompt"), "features") is features
    assert node_of(graph, "LikenessLoadConsistentID").values["mode"] == "corrected"


def test_a_new_face_is_painted_where_the_face_parser_found_the_old_one():
    graph = built("ConsistentID - new face in a photo")
    latent = source(node_of(graph, "KSampler"), "latent_image")
    assert latent.sources["mask"].node.outputs[latent.sources["mask"].slot][0] == "face"
    photo = source(latent, "pixels")
    assert photo is source(source(latent, "mask"), "image") is source(node_of(graph, "LikenessAddPerson"), "photo")
    assert node_of(graph, "LikenessLoadConsistentID").values["purpose"] == "inpaint"
