"""Graphs with a method, a node, both in either order, or neither."""

from __future__ import annotations

import pytest
from likeness.tests.tools.peers.core.definitions import chain, definitions, find
from likeness.tools.peers.core.arrangement import Order, arrange, orders_of, renew
from likeness.tools.peers.core.methods import METHODS
from likeness.tools.peers.core.node import CoreNode, Place
from likeness.tools.peers.core.sampler_nodes import NODES as SAMPLER_NODES
from likeness.tools.peers.core.stage import out

FREEU = CoreNode(name="FreeU", kinds=("FreeU",), place=Place.MODEL, add=lambda stage: stage.patch("FreeU"))
LOADER, OURS = "LikenessLoadMiniature", "LikenessApplyUniPortrait"


def last_layer(stage):
    stage.clip = out(stage.add("CLIPSetLastLayer", clip=stage.clip))


def nothing(stage):
    stage.positive = out(stage.add("ConditioningZeroOut", conditioning=stage.positive))


def node(place, add):
    return CoreNode(name="x", kinds=(), place=place, add=add)


@pytest.mark.parametrize(
    ("is_method_on", "order", "expected"),
    [
        (False, None, [LOADER]),
        (True, None, [LOADER, OURS]),
        (False, Order.BEFORE, [LOADER, "FreeU"]),
        (False, Order.AFTER, [LOADER, "FreeU"]),
        (True, Order.BEFORE, [LOADER, "FreeU", OURS]),
        (True, Order.AFTER, [LOADER, OURS, "FreeU"]),
    ],
)
def test_the_model_goes_through_both_in_order(is_method_on, order, expected):
    prompt = arrange(definitions(), METHODS["uniportrait"], FREEU, is_method_on=is_method_on, order=order)
    assert chain(prompt, "model") == expected


def test_the_node_alone_is_one_graph_whatever_the_order():
    graphs = [
        arrange(definitions(), METHODS["consistentid"], FREEU, is_method_on=False, order=order)
        for order in (Order.BEFORE, Order.AFTER)
    ]
    assert graphs[0] == graphs[1]


def test_there_are_two_orders_only_where_both_are_on_the_model():
    assert orders_of(METHODS["uniportrait"], FREEU) == (Order.BEFORE, Order.AFTER)
    assert orders_of(METHODS["omniportrait"], FREEU) == (Order.BESIDE,)
    assert orders_of(METHODS["uniportrait"], node(Place.CLIP, last_layer)) == (Order.BESIDE,)


def test_a_node_on_clip_comes_before_the_methods_prompt():
    method, clip = METHODS["omniportrait"], node(Place.CLIP, last_layer)
    prompt = arrange(definitions(), method, clip, order=Order.BESIDE)
    [encoded] = find(prompt, "LikenessEncodeOmniPortraitPrompt")
    assert prompt[encoded["clip"][0]]["class_type"] == "CLIPSetLastLayer"


def test_a_node_on_prompts_comes_behind_the_methods():
    method, conditioning = METHODS["consistentid"], node(Place.PROMPT, nothing)
    prompt = arrange(definitions(), method, conditioning, order=Order.BESIDE)
    [changed] = find(prompt, "ConditioningZeroOut")
    assert prompt[changed["conditioning"][0]]["class_type"] == "LikenessEncodeConsistentIDPrompt"
    [sampler] = find(prompt, "KSampler")
    assert prompt[sampler["positive"][0]]["class_type"] == "ConditioningZeroOut"


def test_a_node_in_the_samplers_place_leaves_no_other_sampler():
    [split] = [each for each in SAMPLER_NODES if each.name == "SplitSigmas"]
    prompt = arrange(definitions(), METHODS["uniportrait"], split, order=Order.BESIDE)
    assert find(prompt, "KSampler") == []
    first, second = find(prompt, "SamplerCustom")
    assert (first["add_noise"], second["add_noise"]) == (True, False)
    assert (first["sigmas"][1], second["sigmas"][1]) == (0, 1)
    assert prompt[second["latent_image"][0]]["inputs"] is first
    [saved] = find(prompt, "SaveLatent")
    assert prompt[saved["samples"][0]]["inputs"] is second


def test_a_renewed_graph_differs_in_what_must_run_again():
    prompt = arrange(definitions(), METHODS["uniportrait"], FREEU, order=Order.AFTER)
    renewed = renew(prompt, 5)
    kept = [each["class_type"] for each in renewed.values() if each["inputs"].get("run") != 5]
    assert set(kept) == {LOADER, "LikenessAddPerson"}
    assert not any("run" in each["inputs"] for each in prompt.values())
    for each in renewed.values():
        each["inputs"].pop("run", None)
    assert renewed == prompt
