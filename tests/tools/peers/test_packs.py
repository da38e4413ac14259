"""Which packs are told apart, what is compared, and the graphs with both adapters in either order."""

from __future__ import annotations

import asyncio
from itertools import permutations

import pytest
import torch
from likeness.tools.peers import packs
from likeness.tools.peers.packs import METHODS, OURS, PEER, SAMPLER, SAVED, compare, narrow_peers, recognise

ORDERS = [order for length in range(3) for order in permutations((OURS, PEER), length)]


def links(node: dict) -> dict[str, list]:
    return {name: value for name, value in node["inputs"].items() if isinstance(value, list)}


def test_a_pack_is_told_by_its_file_whatever_its_folder_is_called(tmp_path):
    for folder, file in (("a-fork", "IPAdapterPlus.py"), ("pulid2", "pulid.py")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).touch()
    found = recognise([tmp_path / "a-fork", tmp_path / "pulid2"])
    assert found == {packs.IPADAPTER: tmp_path / "a-fork", packs.PULID: tmp_path / "pulid2"}


def test_a_folder_that_holds_none_of_the_packs_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="holds none of IPAdapter_plus, InstantID, PuLID"):
        recognise([tmp_path])


@pytest.mark.parametrize("method", METHODS)
def test_some_methods_run_beside_ipadapter_plus_alone(method):
    found = narrow_peers([packs.PULID, packs.IPADAPTER, packs.INSTANTID], method)
    assert found == ([] if method in (packs.GUIDANCE, packs.FACES) else [packs.INSTANTID, packs.PULID])
    assert narrow_peers([packs.IPADAPTER], method) == []


def effects(order_matters: float = 0.0, forgets: float = 0.0):
    """A stand-in for sampling: ours adds 1, the peer 10; with faults of a known size."""
    asked = []

    def run(adapters, number):
        asked.append((adapters, number))
        value = sum({OURS: 1.0, PEER: 10.0}[name] for name in adapters)
        value += order_matters * (adapters == (PEER, OURS))
        value += forgets * (len(adapters) == 2 and [each for each, _ in asked].count(adapters) == 3)
        return torch.tensor([0.0, value])

    return run, asked


def test_adapters_that_add_up_differ_in_nothing():
    run, asked = effects()
    found = compare(run)
    assert (found.order, found.requeue, found.plain) == (0, 0, 0)
    assert (found.alone, found.scale) == (1, 11)
    assert len({number for _, number in asked}) == len(asked)  # no run is answered from a cache


@pytest.mark.parametrize(("faults", "name"), [({"order_matters": 0.5}, "order"), ({"forgets": 0.25}, "requeue")])
def test_each_fault_shows_in_its_own_figure(faults, name):
    run, _ = effects(**faults)
    found = compare(run)
    figures = {"order": found.order, "requeue": found.requeue, "plain": found.plain}
    assert figures.pop(name) == next(iter(faults.values()))
    assert set(figures.values()) == {0}


def test_an_adapter_without_effect_is_told():
    found = compare(lambda adapters, _: torch.full((2,), float(PEER in adapters)))
    assert found.alone == 0
    assert "by at least 0.0e+00" in str(found)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("order", ORDERS)
def test_the_model_runs_through_the_adapters_in_order(method, order):
    prompt = packs._prompt(method, order, 17)
    chain, node = [], prompt[SAMPLER]
    while (source := node["inputs"]["model"][0]) != "checkpoint":
        chain.insert(0, source)
        node = prompt[source]
    assert tuple(chain) == order
    assert {OURS, PEER} & prompt.keys() == set(order)
    renewed = [name for name, entry in prompt.items() if entry["inputs"].get("run") == 17]
    assert renewed == [order[-1] if order else SAMPLER]


@pytest.mark.parametrize("method", METHODS)
def test_every_link_leads_to_a_node_of_the_graph(method):
    prompt = packs._prompt(method, (OURS, PEER), 1)
    ends = {source for node in prompt.values() for source, _ in links(node).values()}
    assert ends <= prompt.keys()
    assert prompt[SAVED]["inputs"]["samples"] == [SAMPLER, 0]


@pytest.mark.comfy
@pytest.mark.parametrize("method", METHODS)
def test_our_nodes_get_what_they_require_and_nothing_that_they_do_not_know(method):
    from likeness.nodes import LikenessExtension

    nodes = {node.GET_SCHEMA().node_id: node for node in asyncio.run(LikenessExtension().get_node_list())}
    ours = [node for node in packs._prompt(method, (OURS,), 1).values() if node["class_type"].startswith("Likeness")]
    assert ours
    for node in ours:
        known = nodes[node["class_type"]].INPUT_TYPES()
        required, optional = set(known.get("required", {})), set(known.get("optional", {}))
        given = set(node["inputs"]) - {"run"}
        assert required <= given <= required | optional, node["class_type"]
