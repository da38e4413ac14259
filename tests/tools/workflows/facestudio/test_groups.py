"""Two people in a style."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.graphs import built, chain, node_of, nodes_of, source
from likeness.tools.workflows.facestudio.groups import SIDE, SIZE, STRENGTH, WORKFLOWS

MASKS, GROUP = "FaceStudio - two people inside masks", "FaceStudio - group photo in a style"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_both_people_are_placed_by_masks_and_the_map_shows_it(name):
    graph = built(name)
    applied = node_of(graph, "LikenessApplyFaceStudio")
    placed = source(applied, "placement")
    assert chain(source(applied, "people")) == nodes_of(graph, "LikenessAddPerson")
    assert (placed.kind, placed.values["by"]) == ("LikenessPlacePeople", "masks")
    assert source(node_of(graph, "LikenessShowRoutingMap"), "model") is applied


def test_masks_leave_a_strip_of_the_picture_to_nobody():
    graph = built(MASKS)
    people = nodes_of(graph, "LikenessAddPerson")
    masks = [source(person, "mask") for person in people]
    assert [mask.values["x"] for mask in masks] == [0, SIZE["width"] - SIDE]
    assert SIZE["width"] > 2 * SIDE
    for mask in masks:
        side, empty = source(mask, "source"), source(mask, "destination")
        assert (side.values["width"], side.values["value"], empty.values["value"]) == (SIDE, 1.0, 0.0)
        assert {name: empty.values[name] for name in SIZE} == SIZE
    latent = node_of(graph, "EmptyLatentImage")
    assert {name: latent.values[name] for name in SIZE} == SIZE


def test_people_are_the_faces_of_the_group_photo_from_left_to_right():
    graph = built(GROUP)
    people, found = nodes_of(graph, "LikenessAddPerson"), node_of(graph, "LikenessDetectFaces")
    assert [person.values["face"] for person in people] == [1, 2]
    assert {person.values["order"] for person in people} == {found.values["order"]} == {"left to right"}
    assert {source(person, "photo") for person in people} == {source(found, "image")}


def test_masks_in_any_order_are_matched_before_they_place_anybody():
    graph = built(GROUP)
    matched, placed = node_of(graph, "LikenessMatchPeople"), node_of(graph, "LikenessPlacePeople")
    assert source(placed, "masks") is matched
    assert source(placed, "people") is source(matched, "people")
    assert source(matched, "faces") is node_of(graph, "LikenessDetectFaces")
    both = source(source(matched, "masks"), "image")
    assert [source(both, name).values["image"] for name in ("image1", "image2")] == ["mask-1.png", "mask-2.png"]


def test_the_photo_is_drawn_anew_and_not_from_nothing():
    sampler = node_of(built(GROUP), "KSampler")
    encoded = source(sampler, "latent_image")
    assert encoded.kind == "VAEEncode"
    assert source(encoded, "pixels") is source(node_of(built(GROUP), "LikenessDetectFaces"), "image")
    assert 0 < sampler.values["denoise"] == STRENGTH < 1
