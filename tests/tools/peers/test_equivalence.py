"""The two graphs that should draw the same: what differs is which pack follows the picture."""

from __future__ import annotations

import pytest
from likeness.tools.peers.equivalence import FILES, SETTINGS, our_graph, their_graph

APPLYING = ("adapter", "applied")


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("name", SETTINGS)
def test_everything_but_the_adapter_s_nodes_is_the_same(kind, name):
    ours, theirs = (make(FILES[kind], SETTINGS[name]) for make in (our_graph, their_graph))
    assert ours.keys() == theirs.keys()
    assert [key for key in ours if ours[key] != theirs[key]] == list(APPLYING)
    assert ours["applied"]["class_type"] == "LikenessApplyIPAdapter"
    assert ours["adapter"]["inputs"]["ip_adapter"] == theirs["adapter"]["inputs"]["ipadapter_file"] == FILES[kind].name


@pytest.mark.parametrize("name", SETTINGS)
def test_both_are_told_the_same(name):
    ours, theirs = (make(FILES["Plus"], SETTINGS[name])["applied"]["inputs"] for make in (our_graph, their_graph))
    pairs = {
        "picture_strength": "weight",
        "embeds_scaling": "embeds_scaling",
        "start_percent": "start_at",
        "end_percent": "end_at",
    }
    assert {mine: ours[mine] for mine in pairs} == {mine: theirs[other] for mine, other in pairs.items()}
    assert ours["negative"] == "black"
