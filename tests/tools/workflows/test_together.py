"""Workflows in which two methods act together."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.graphs import built, chain, node_of, nodes_of, source


@pytest.mark.parametrize("method", ["UniPortrait", "ConsistentID"])
def test_guidance_takes_the_same_people_from_the_same_photo(method):
    graph = built(f"{method} - one person guided")
    guided, applied = node_of(graph, "LikenessApplyReferenceGuidance"), node_of(graph, f"LikenessApply{method}")
    assert source(guided, "model") is applied
    assert source(guided, "people") is source(applied, "people") is node_of(graph, "LikenessAddPerson")
    assert len(nodes_of(graph, "LoadImage")) == 1
    sampler = node_of(graph, "KSampler")
    assert source(sampler, "model") is guided
    assert guided.values["strength"] == 0.5
    assert sampler.values["cfg"] == (7.5 if method == "UniPortrait" else 5.0)


def test_the_router_places_people_whose_faces_consistentid_brings():
    graph = built("ConsistentID - two people")
    applied = node_of(graph, "LikenessApplyConsistentID")
    placed = source(applied, "placement")
    assert source(placed, "uniportrait") is node_of(graph, "LikenessLoadUniPortrait")
    assert placed.values["by"] == "router"
    assert len(chain(source(applied, "people"))) == 2
    assert nodes_of(graph, "LikenessApplyUniPortrait") == []
