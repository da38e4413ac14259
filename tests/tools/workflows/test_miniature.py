"""Workflows on the miniature."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.graphs import built, node_of, nodes_of, real_nodes, source
from likeness.tools.workflows.miniature import DRAWN_TO_CHOOSE, PICTURES, SIZE, WORKFLOWS


@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_but_the_pack_is_needed_to_run_them(name):
    graph = built(name)
    assert graph.files == []
    assert not [node.kind for node in real_nodes(graph) if "Load" in node.kind and node.kind != "LikenessLoadMiniature"]
    assert any("Nothing" in node.values.get("text", "") for node in graph.nodes if node.title == "What to download")


@pytest.mark.parametrize("name", WORKFLOWS)
def test_portraits_come_out_of_the_loader_and_are_looked_at_as_drawings(name):
    graph = built(name)
    miniature = node_of(graph, "LikenessLoadMiniature")
    people = nodes_of(graph, "LikenessAddPerson")
    photos = [person.sources["photo"] for person in people]
    assert all(photo.node is miniature for photo in photos)
    assert [miniature.outputs[photo.slot][0] for photo in photos] == ["portrait_1", "portrait_2"][: len(people)]
    assert {person.values["detector"] for person in people} == {"drawn faces (miniature)"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_pictures_have_the_size_that_the_miniature_draws(name):
    latent = node_of(built(name), "EmptyLatentImage")
    count = DRAWN_TO_CHOOSE if "best of a batch" in name else PICTURES
    assert latent.values == {"width": SIZE, "height": SIZE, "batch_size": count}


def test_guidance_looks_for_drawn_faces_in_its_preview():
    graph = built("4 Try without download - guidance")
    placed = source(node_of(graph, "LikenessApplyReferenceGuidance"), "placement")
    assert (placed.values["by"], placed.values["detector"]) == ("faces", "drawn faces (miniature)")
    assert source(placed, "vae") is node_of(graph, "LikenessLoadMiniature")
