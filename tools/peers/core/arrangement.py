"""Graphs with a method, a node of the core, both in either order, or neither."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from enum import Enum
from typing import Any

from ...workflows.formats import to_api
from .methods import Method
from .node import CoreNode, Place
from .stage import Stage

Prompt = dict[str, Any]

CACHED = ("LikenessLoadMiniature", "LikenessAddPerson")  # what need not run anew in every run


class Order(Enum):
    """Where the node of the core stands, seen from our Apply node."""

    BEFORE = "before"
    AFTER = "after"
    BESIDE = "beside"


def orders_of(method: Method, node: CoreNode) -> tuple[Order, ...]:
    """The orders in which both can stand: two where both are on MODEL, else one."""
    on_model = node.place is Place.MODEL and method.apply is not None
    return (Order.BEFORE, Order.AFTER) if on_model else (Order.BESIDE,)


def arrange(
    definitions: Mapping[str, Any],
    method: Method,
    node: CoreNode,
    *,
    is_method_on: bool = True,
    order: Order | None = None,
) -> Prompt:
    """The graph in API format, whose last node saves the latents.

    Args:
        definitions: what a running ComfyUI answers to `/object_info`.
        method: gives the text, also where it is off.
        node: gives latents, also where it is not in the graph.
        is_method_on: whether the method is in the graph.
        order: where the node stands; None leaves it out.
    """
    stage = Stage(definitions, text=method.text, pictures=node.pictures, is_masked=node.is_masked)
    place = None if order is None else node.place
    if place is Place.CLIP:
        node.add(stage)
    if is_method_on:
        method.encode(stage)
    else:
        stage.encode_both()
    if place is Place.MODEL and order is not Order.AFTER:
        node.add(stage)
    if is_method_on and method.apply is not None:
        method.apply(stage)
    if place is Place.MODEL and order is Order.AFTER:
        node.add(stage)
    if place is Place.PROMPT:
        node.add(stage)
    if place is Place.SAMPLER:
        node.add(stage)
    else:
        stage.sample()
    stage.add("SaveLatent", samples=stage.latent, filename_prefix="core")
    return to_api(stage.graph)


def renew(prompt: Prompt, number: int) -> Prompt:
    """A copy that runs anew: a number that no node reads makes the cache keys new.

    The loader and the people are left as they are, so that what is kept between runs of one session is tried too.
    """
    copied = copy.deepcopy(prompt)
    for node in copied.values():
        if node["class_type"] not in CACHED:
            node["inputs"]["run"] = number
    return copied
