"""OmniPortrait's workflows."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.graphs import built, chain, node_of, nodes_of, source
from likeness.tools.workflows.omniportrait import WORKFLOWS


@pytest.mark.parametrize("name", WORKFLOWS)
def test_settings_are_those_of_the_paper(name):
    sampler = node_of(built(name), "KSampler")
    chosen = [sampler.values[key] for key in ("steps", "cfg", "sampler_name", "scheduler")]
    assert chosen == [50, 5.0, "ddim", "ddim_uniform"]


@pytest.mark.parametrize("name", [name for name in WORKFLOWS if name.startswith("OmniPortrait")])
def test_every_person_has_a_marker_and_is_found_by_their_word(name):
    graph = built(name)
    prompt, guided = (
        node_of(graph, f"Likeness{kind}") for kind in ("EncodeOmniPortraitPrompt", "ApplyReferenceGuidance")
    )
    people = nodes_of(graph, "LikenessAddPerson")
    assert chain(source(prompt, "people")) == chain(source(guided, "people")) == people
    assert [f"@id{number}" in prompt.values["text"] for number in range(1, 4)] == [n <= len(people) for n in (1, 2, 3)]
    assert guided.values["find_by"] == "word in the prompt"
    assert source(node_of(graph, "KSampler"), "positive") is prompt


def test_guidance_alone_needs_no_loader_but_the_checkpoint_s():
    graph = built("Guidance - one person with any checkpoint")
    assert [node.kind for node in graph.nodes if "Load" in node.kind] == ["CheckpointLoaderSimple", "LoadImage"]
    assert node_of(graph, "LikenessApplyReferenceGuidance").values["find_by"] == "face in the preview"
