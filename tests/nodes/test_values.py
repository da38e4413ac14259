"""Numbers and texts of every node, as ComfyUI hands them over: NaN, infinity and half characters never get in."""

from __future__ import annotations

import asyncio
import math
from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.comfy

BAD_NUMBERS = (math.nan, math.inf, -math.inf)


@pytest.fixture(scope="module")
def nodes():
    """All nodes as ComfyUI gets them, by id."""
    from likeness.nodes import LikenessExtension

    listed = asyncio.run(LikenessExtension().get_node_list())
    return {node.GET_SCHEMA().node_id: node for node in listed}


@pytest.fixture
def refused():
    """What a node says to one value; all others are None, for which no node is made."""
    from likeness.models.errors import InvalidSettingError

    def run(node, name, value):
        values = {each.id: None for each in node.define_schema().inputs}
        with pytest.raises(InvalidSettingError) as caught:
            node.PREPARE_CLASS_CLONE(None).EXECUTE_NORMALIZED(**{**values, name: value})
        said = str(caught.value)
        assert said.startswith(f"{name} ")
        assert len(said) <= 300
        assert "\n" not in said
        return said

    return run


def inputs_of(nodes, *kinds):
    """Node and input of some types, of all nodes."""
    return [(node, each) for node in nodes.values() for each in node.define_schema().inputs if isinstance(each, kinds)]


def test_every_float_of_every_node_refuses_what_is_no_finite_number(nodes, refused):
    from comfy_api.latest import io

    floats = inputs_of(nodes, io.Float.Input)
    assert len(floats) > 40
    for node, each in floats:
        for value in BAD_NUMBERS:
            assert "choose a number from" in refused(node, each.id, value)


def test_every_number_keeps_to_its_ends_where_it_comes_over_a_link(nodes, refused):
    from comfy_api.latest import io

    numbers = inputs_of(nodes, io.Float.Input, io.Int.Input)
    for node, each in numbers:
        assert each.min is not None, f"{node.__name__} {each.id} has no lowest value"
        assert each.max is not None, f"{node.__name__} {each.id} has no highest value"
        for value in (each.min - 1, each.max + 1, -(10**400), 10**400, "1", [1]):
            refused(node, each.id, value)
        if isinstance(each, io.Int.Input):
            assert "whole number" in refused(node, each.id, float(each.min) + 0.5)


def test_every_text_refuses_half_a_character_and_more_than_anybody_writes(nodes, refused):
    from comfy_api.latest import io

    texts = inputs_of(nodes, io.String.Input)
    assert len(texts) > 5
    for node, each in texts:
        assert "half a character" in refused(node, each.id, "a man \ud83d")
        assert "500,001 characters" in refused(node, each.id, "a" * 500_001)
        assert "is a int" in refused(node, each.id, 7)


@pytest.fixture
def throwaway():
    """A node that gives back what it gets."""
    from comfy_api.latest import io

    class Throwaway(io.ComfyNode):
        """About it."""

        @classmethod
        def define_schema(cls):
            inputs = [io.Float.Input("a", min=0.0, max=2.0), io.Int.Input("b", min=1, max=9, optional=True)]
            return io.Schema("LikenessThrowaway", inputs=inputs, outputs=[io.Float.Output()], hidden=[io.Hidden.prompt])

        @classmethod
        def execute(cls, a, b=4):
            return io.NodeOutput((a, b, cls.hidden and cls.hidden.prompt))

    return Throwaway


@pytest.mark.parametrize(
    ("values", "got"), [({"a": 0}, (0, 4)), ({"a": 2.0, "b": 9}, (2.0, 9)), ({"a": 1, "b": None}, (1, None))]
)
def test_what_is_good_comes_through(throwaway, values, got):
    from likeness.nodes.values import guarded

    node = guarded(throwaway)
    node.GET_SCHEMA()
    clone = node.PREPARE_CLASS_CLONE(None)
    assert clone.EXECUTE_NORMALIZED(**values).result[0][:2] == got


def test_a_guarded_node_is_the_node(throwaway):
    from likeness.nodes.values import guarded

    node = guarded(throwaway)
    assert issubclass(node, throwaway)
    assert (node.__name__, node.__module__, node.__doc__) == ("Throwaway", throwaway.__module__, "About it.")
    assert node.GET_SCHEMA().node_id == "LikenessThrowaway"
    assert node.FUNCTION == "EXECUTE_NORMALIZED"


def test_a_node_sees_its_hidden_values(throwaway, monkeypatch):
    from likeness.nodes.values import guarded

    node = guarded(throwaway)
    monkeypatch.setattr(node, "hidden", SimpleNamespace(prompt="queued"), raising=False)
    assert node.execute(a=1).result[0] == (1, 4, "queued")
