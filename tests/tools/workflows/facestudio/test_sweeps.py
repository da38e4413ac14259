"""Rows of pictures from one seed."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.graphs import built, node_of, nodes_of, source
from likeness.tools.workflows.facestudio.sweeps import STEPS, WORKFLOWS

ALPHAS, MIXES = "FaceStudio - from text to picture with SDXL", "FaceStudio - from one person to another"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_all_pictures_have_one_seed_one_latent_and_the_same_settings(name):
    graph = built(name)
    samplers = nodes_of(graph, "KSampler")
    assert len(samplers) == len(STEPS)
    seed, latent = node_of(graph, "PrimitiveInt"), node_of(graph, "EmptyLatentImage")
    for sampler in samplers:
        assert (source(sampler, "seed"), source(sampler, "latent_image")) == (seed, latent)
        assert sampler.values == samplers[0].values
    applied = [source(sampler, "model") for sampler in samplers]
    assert applied == nodes_of(graph, "LikenessApplyFaceStudio")


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_row_is_saved_as_one_picture_from_left_to_right(name):
    graph = built(name)
    decoded = nodes_of(graph, "VAEDecode")
    assert [source(each, "samples") for each in decoded] == nodes_of(graph, "KSampler")
    picture, seen = source(node_of(graph, "SaveImage"), "images"), []
    while picture.kind == "ImageStitch":
        seen.append(source(picture, "image2"))
        picture = source(picture, "image1")
    assert [picture, *reversed(seen)] == decoded


def test_one_goes_from_the_text_alone_to_the_picture_alone():
    applied = nodes_of(built(ALPHAS), "LikenessApplyFaceStudio")
    assert [each.values["alpha"] for each in applied] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert len({(source(each, "style"), source(each, "text"), source(each, "people")) for each in applied}) == 1
    assert all({"style", "text"} <= each.sources.keys() for each in applied)


def test_the_other_goes_from_the_first_person_to_the_second():
    graph = built(MIXES)
    first, second = nodes_of(graph, "LikenessAddPerson")
    assert "people" not in second.sources, "the second is mixed in, not a person beside the first"
    mixed = [source(each, "people") for each in nodes_of(graph, "LikenessApplyFaceStudio")]
    assert [each.values["weight"] for each in mixed] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert {(source(each, "people"), source(each, "other")) for each in mixed} == {(first, second)}
