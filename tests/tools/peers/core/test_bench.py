"""Runs that are made once, and every graph as a real ComfyUI knows its nodes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from likeness.tests.tools.peers.core.definitions import chain, definitions, find
from likeness.tools.comfyui.inputs import read_inputs
from likeness.tools.comfyui.server import ComfyRunError, ComfyServer
from likeness.tools.peers.core.__main__ import NODES
from likeness.tools.peers.core.arrangement import arrange, orders_of
from likeness.tools.peers.core.bench import Bench, say
from likeness.tools.peers.core.cells import Cell
from likeness.tools.peers.core.methods import METHODS
from likeness.tools.peers.core.node import CoreNode, Place
from safetensors.torch import save_file

FREEU = NODES["FreeU"]
VALUES = {"LikenessApplyUniPortrait": 1.0, "FreeU": 10.0}


class Server(SimpleNamespace):
    """A stand-in for a ComfyUI whose latents say what the model went through."""

    output_files = ComfyServer.output_files

    def object_info(self):
        return definitions()

    def run(self, prompt, seconds):
        self.prompts.append(prompt)
        through = chain(prompt, "model")
        if through in self.refused:
            raise ComfyRunError("node 3 (KSampler) raised KeyError: 'x'\n  File \"x.py\", line 1\n")
        value = sum(VALUES.get(kind, 0.0) for kind in through) + self.drift * len(self.prompts)
        name = f"{len(self.prompts)}.latent"
        save_file({"latent_tensor": torch.tensor([100.0, value])}, self.base / name)
        [saved] = [number for number, node in prompt.items() if node["class_type"] == "SaveLatent"]
        return {"outputs": {saved: {"latents": [{"type": "", "subfolder": "", "filename": name}]}}}


@pytest.fixture
def server(tmp_path):
    return Server(base=tmp_path, prompts=[], refused=[], drift=0.0)


def test_both_orders_are_tried_and_nothing_runs_twice_that_is_asked_twice(server):
    bench = Bench(server)
    cells = bench.cells(METHODS["uniportrait"], FREEU)
    assert [cell.text for cell in cells] == ["acts", "acts"]
    assert say(cells) == "equal"
    assert bench.count == len(server.prompts) == 7  # neither, each alone, and both orders twice
    bench.cells(METHODS["uniportrait"], FREEU)
    assert bench.count == 9


def test_no_run_is_answered_from_comfyuis_cache(server):
    Bench(server).cells(METHODS["uniportrait"], FREEU)
    numbers = [find(prompt, "KSampler")[0]["run"] for prompt in server.prompts]
    assert len(set(numbers)) == len(numbers)


def test_an_error_of_one_run_is_a_fault_of_its_cell_alone(server):
    server.refused = [["LikenessLoadMiniature", "LikenessApplyUniPortrait", "FreeU"]]
    cells = Bench(server).cells(METHODS["uniportrait"], FREEU)
    assert [cell.is_fault for cell in cells] == [False, True]
    assert say(cells) == "before: acts; after: FAULT: KSampler raised KeyError: 'x'"


def test_a_plain_model_that_changed_is_found(server):
    bench = Bench(server)
    bench.cells(METHODS["uniportrait"], FREEU)
    assert bench.find_changed() == 0
    server.drift = 0.001
    assert bench.find_changed() == 1


def test_a_node_that_this_version_has_not(server):
    unknown = CoreNode(name="Nowhere", kinds=("FreeU", "Nowhere"), place=Place.MODEL, add=lambda _: None)
    bench = Bench(server)
    assert say(bench.cells(METHODS["uniportrait"], unknown)) == "not there"
    assert bench.count == 0


def test_a_single_order_is_said_in_its_own_words():
    assert say([Cell("acts", latent=torch.zeros(1))]) == "acts"


@pytest.mark.comfy
def test_every_graph_gives_its_nodes_what_this_comfyui_lets_them_take(miniature_server):
    """Missing links and unknown inputs are refused while a graph is put together; here kinds and choices are looked at."""
    known = miniature_server.object_info()
    there = [node for node in NODES.values() if node.is_in(known)]
    assert len(there) > len(NODES) * 0.8
    for method in METHODS.values():
        for node in there:
            for order in orders_of(method, node):
                check_kinds(arrange(known, method, node, order=order), known, node.name)


def check_kinds(prompt, known, name):
    for entry in prompt.values():
        for given in read_inputs(known[entry["class_type"]]):
            value = entry["inputs"].get(given.name)
            if isinstance(value, list):
                kind = known[prompt[value[0]]["class_type"]]["output"][value[1]]
                assert kind in given.kind.split(","), (name, given.name)
            elif given.choices:
                assert value in given.choices, (name, given.name)


@pytest.mark.comfy
def test_a_node_of_the_core_beside_a_method_in_both_orders(miniature_server):
    bench = Bench(miniature_server)
    assert say(bench.cells(METHODS["uniportrait"], FREEU)) == "equal"
    assert bench.find_changed() == 0
