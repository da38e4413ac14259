"""One node of a workflow."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.definitions import definitions
from likeness.tools.workflows.graph import Graph


@pytest.fixture
def graph() -> Graph:
    return Graph("a name", definitions())


def test_an_output_is_found_by_its_name_and_knows_its_place_and_type(graph):
    socket = graph.add("CheckpointLoaderSimple", ckpt_name="a.safetensors")["VAE"]
    assert (socket.slot, socket.kind) == (2, "VAE")


def test_an_output_that_is_not_there_is_refused_with_those_that_are(graph):
    loader = graph.add("CheckpointLoaderSimple", ckpt_name="a.safetensors")
    with pytest.raises(
        KeyError, match=r"CheckpointLoaderSimple has no output 'LATENT', only \['MODEL', 'CLIP', 'VAE'\]"
    ):
        loader["LATENT"]


def test_sockets_are_listed_before_widgets(graph):
    clip = graph.add("CheckpointLoaderSimple", ckpt_name="a.safetensors")["CLIP"]
    prompt = graph.add("CLIPTextEncode", text="a cat", clip=clip)
    assert [entry.name for entry in prompt.inputs] == ["text", "clip"]
    assert [entry.name for entry in prompt.shown_inputs] == ["clip", "text"]
