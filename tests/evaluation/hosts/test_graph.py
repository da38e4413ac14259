"""Places in a workflow are found by title or number."""

from __future__ import annotations

import json

import pytest
from likeness.evaluation.hosts.graph import Graph

NODES = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 0, "model": ["4", 0]}, "_meta": {"title": "Sampler"}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ""}, "_meta": {"title": "Text v1.5"}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": ""}, "_meta": {"title": "3"}},
    "8": {"class_type": "LoadImage", "inputs": {"image": ""}, "_meta": {"title": "Photo"}},
    "9": {"class_type": "LoadImage", "inputs": {"image": ""}, "_meta": {"title": "Photo"}},
}
GRAPH = Graph(NODES)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("Sampler.seed", ("3", "seed")),
        ("Text v1.5.text", ("6", "text")),
        ("3.text", ("7", "text")),
        ("8.image", ("8", "image")),
    ],
)
def test_a_title_comes_before_a_number(name, place):
    assert GRAPH.place(name) == place


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Photo.image", '"Photo" is the title of nodes 8 and 9; give the number of one of them'),
        ("Lens.image", 'there is no node "Lens"; there are Sampler, Text v1.5, 3, Photo and Photo'),
        ("Sampler.noise", 'node "Sampler" has no input "noise"; it has seed and model'),
        ("seed", '"seed" names no input; write "title of the node.input"'),
    ],
)
def test_what_is_not_there_is_told_with_what_is(name, said):
    with pytest.raises(ValueError, match=said):
        GRAPH.place(name)


def test_filling_leaves_the_workflow_as_it_is():
    before = json.dumps(NODES)
    filled = GRAPH.filled([("Sampler.seed", 7), ("6.text", "a man")])
    assert (filled["3"]["inputs"]["seed"], filled["6"]["inputs"]["text"]) == (7, "a man")
    assert filled["3"]["inputs"]["model"] == ["4", 0]
    assert json.dumps(NODES) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is no JSON"), ("[]", "holds no nodes"), ('{"nodes": []}', "is in the page's format, or is no workflow")],
)
def test_a_file_that_is_no_workflow_says_what_it_is(tmp_path, text, said):
    path = tmp_path / "w.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        Graph.read(path)
