"""Nodes that ConsistentID's workflows have in common."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.definitions import definitions
from likeness.tests.tools.workflows.graphs import source
from likeness.tools.weights.known_files import CONSISTENTID_SD15, CONSISTENTID_SDXL, RECOGNISER, SD15, SDXL
from likeness.tools.workflows.consistentid_parts import apply, encode, load_models
from likeness.tools.workflows.graph import Graph
from likeness.tools.workflows.parts import add_person


@pytest.mark.parametrize(
    ("adapter", "checkpoint", "chosen"),
    [(CONSISTENTID_SD15, SD15, "auto"), (CONSISTENTID_SDXL, SDXL, CONSISTENTID_SDXL.name)],
)
def test_checkpoint_and_adapter_are_of_one_family(adapter, checkpoint, chosen):
    loaded, loader = load_models(Graph("models", definitions()), adapter)
    assert loaded.values["ckpt_name"] == checkpoint.name
    assert loader.values["consistentid"] == chosen  # auto takes the first of both by name
    assert {adapter, RECOGNISER} <= set(loader.files)


def test_prompt_and_model_read_the_same_adapter_and_person():
    graph = Graph("people", definitions())
    checkpoint, loader = load_models(graph, mode="corrected")
    _, person = add_person(graph)
    prompt = encode(graph, checkpoint["CLIP"], loader, person, ("yes", "no"), start_percent=0.2)
    applied = apply(graph, checkpoint["MODEL"], loader, person)
    for node in (prompt, applied):
        assert [source(node, name) for name in ("consistentid", "people")] == [loader, person]
    assert [prompt.values[name] for name in ("positive", "negative", "start_percent")] == ["yes", "no", 0.2]
    assert loader.values["mode"] == "corrected"
