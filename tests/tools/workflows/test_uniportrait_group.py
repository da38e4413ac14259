"""A group shot whose faces are painted again."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.graphs import built, node_of, nodes_of, source
from likeness.tools.workflows.uniportrait_group import PEOPLE


@pytest.fixture
def graph():
    return built("UniPortrait - group with sharp faces")


def test_every_face_is_painted_with_its_own_person_alone(graph):
    crops, persons = nodes_of(graph, "LikenessCropFace"), nodes_of(graph, "LikenessPickPerson")
    numbers = list(range(1, PEOPLE + 1))
    assert [node.values["number"] for node in crops] == [node.values["number"] for node in persons] == numbers
    painted = nodes_of(graph, "KSampler")[2:]
    assert [source(source(sampler, "model"), "people") for sampler in painted] == persons
    for crop, sampler in zip(crops, painted, strict=True):
        masked = source(sampler, "latent_image")
        assert source(masked, "mask") is source(source(masked, "samples"), "pixels") is crop


def test_each_face_is_put_back_before_the_next_is_cut_out(graph):
    picture = node_of(graph, "SaveImage").sources["images"].node
    for paste in reversed(nodes_of(graph, "LikenessPasteFace")):
        assert picture is paste
        crop = source(paste, "square")
        picture = source(paste, "image")
        assert source(crop, "image") is picture
    assert picture.kind == "VAEDecode"


def test_faces_are_found_where_the_map_of_the_larger_picture_says(graph):
    routing, found = node_of(graph, "LikenessShowRoutingMap"), node_of(graph, "LikenessDetectFaces")
    assert source(routing, "image") is source(found, "image")
    assert found.values["take"] == "all"
    for crop in nodes_of(graph, "LikenessCropFace"):
        assert (source(crop, "mask"), source(crop, "faces")) == (routing, found)
