"""Nodes that UniPortrait's workflows have in common."""

from __future__ import annotations

from likeness.tests.tools.workflows.definitions import definitions
from likeness.tests.tools.workflows.graphs import source
from likeness.tools.weights.known_files import BACKBONE, FACEID, IMAGE_ENCODER, ROUTER
from likeness.tools.workflows.graph import Graph
from likeness.tools.workflows.parts import add_person, load_checkpoint
from likeness.tools.workflows.uniportrait_parts import apply, load_uniportrait


def test_the_loader_finds_all_it_needs_and_names_what_is_published():
    loader = load_uniportrait(Graph("loader", definitions()))
    assert loader.values == dict.fromkeys(("faceid", "router", "backbone", "clip_vision_file"), "auto") | {
        "image_prompt": "none"
    }
    assert set(loader.files) == {FACEID, ROUTER, BACKBONE, IMAGE_ENCODER}


def test_people_are_put_into_the_model_with_the_given_settings():
    graph = Graph("applied", definitions())
    checkpoint, loader, (_, person) = load_checkpoint(graph), load_uniportrait(graph), add_person(graph)
    applied = apply(graph, checkpoint["MODEL"], loader, person, strength=0.4)
    assert [source(applied, name) for name in ("model", "uniportrait", "people")] == [checkpoint, loader, person]
    assert applied.values["strength"] == 0.4
