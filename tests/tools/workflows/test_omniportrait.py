"""OmniPortrait's workflows."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.graphs import built, chain, node_of, nodes_of, source
from likeness.tools.weights.known_files import SDXL
from likeness.tools.workflows.omniportrait import WORKFLOWS
from likeness.tools.workflows.write import WORKFLOWS as ALL


@pytest.mark.parametrize("name", WORKFLOWS)
def test_settings_are_those_of_the_paper(name):
    sampler = node_of(built(name), "KSampler")
    chosen = [sampler.values[key] for key in ("steps", "cfg", "sampler_name", "scheduler")]
    assert chosen == [50, 7.5, "ddim", "ddim_uniform"]


@pytest.mark.parametrize("name", [name for name in WORKFLOWS if name.startswith("OmniPortrait")])
def test_every_person_has_a_marker_and_is_found_by_their_word(name):
    graph = built(name)
    prompt, guided = (
        node_of(graph, f"Likeness{kind}") for kind in ("EncodeOmniPortraitPrompt", "ApplyReferenceGuidance")
    )
    people = nodes_of(graph, "LikenessAddPerson")
    assert chain(source(prompt, "people")) == chain(source(guided, "people")) == people
    assert [f"@id{number}" in prompt.values["text"] for number in range(1, 4)] == [n <= len(people) for n in (1, 2, 3)]
    assert source(guided, "placement").values["by"] == "words"
    assert source(node_of(graph, "KSampler"), "positive") is prompt


def test_guidance_alone_needs_no_adapter():
    graph = built("Guidance - one person with any checkpoint")
    loaders = ["CheckpointLoaderSimple", "LikenessLoadFaceParser", "LoadImage"]
    assert [node.kind for node in graph.nodes if "Load" in node.kind] == loaders
    assert "placement" not in node_of(graph, "LikenessApplyReferenceGuidance").sources


@pytest.mark.parametrize("name", [name for name in ALL if nodes_of(built(name), "LikenessApplyReferenceGuidance")])
def test_photos_are_outlined_by_a_face_parser(name):
    """M_ref of the paper comes from a face parser."""
    parser = source(node_of(built(name), "LikenessApplyReferenceGuidance"), "face_parser")
    assert parser.kind == ("LikenessLoadMiniature" if "Try" in name else "LikenessLoadFaceParser")


def test_sdxl_is_guided_by_references_of_its_own_size():
    graph = built("Guidance - one person with SDXL")
    assert node_of(graph, "CheckpointLoaderSimple").values["ckpt_name"] == SDXL.name
    assert node_of(graph, "LikenessApplyReferenceGuidance").values["reference_size"] == 1024
    assert [node_of(graph, "EmptyLatentImage").values[side] for side in ("width", "height")] == [1024, 1024]


def test_a_pose_acts_on_both_prompts_beside_guidance():
    graph = built("Guidance - one person in a given pose")
    sampler, posed = node_of(graph, "KSampler"), node_of(graph, "ControlNetApplyAdvanced")
    assert source(sampler, "positive") is source(sampler, "negative") is posed
    assert source(sampler, "model") is node_of(graph, "LikenessApplyReferenceGuidance")
    assert source(posed, "control_net") is node_of(graph, "ControlNetLoader")
