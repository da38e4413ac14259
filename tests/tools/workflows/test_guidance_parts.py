"""Guidance at the end of a chain of models."""

from __future__ import annotations

from likeness.tests.tools.workflows.definitions import definitions
from likeness.tests.tools.workflows.graphs import source
from likeness.tools.workflows.graph import Graph
from likeness.tools.workflows.guidance_parts import guide, load_face_parser
from likeness.tools.workflows.parts import add_person, load_checkpoint


def test_guidance_reads_the_people_and_the_checkpoint_s_vae_and_keeps_what_it_is_not_told():
    graph = Graph("guided", definitions())
    checkpoint, (_, person) = load_checkpoint(graph), add_person(graph)
    parser = load_face_parser(graph)
    guided = guide(graph, checkpoint["MODEL"], checkpoint["VAE"], person, parser, seeds=2)
    sources = [source(guided, name) for name in ("model", "vae", "people", "face_parser")]
    assert sources == [checkpoint, checkpoint, person, parser]
    assert guided.sources["vae"].kind == "VAE"
    chosen = [guided.values[name] for name in ("seeds", "strength", "start_percent")]
    assert chosen == [2, 1.0, 0.4]
    assert "placement" not in guided.sources
    placed = graph.add("LikenessPlacePeople", by="words")
    again = guide(graph, checkpoint["MODEL"], checkpoint["VAE"], person, parser, placed)
    assert source(again, "placement") is placed
