"""A graph under construction."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.definitions import definitions
from likeness.tools.weights.known_files import SD15, SDXL
from likeness.tools.workflows.graph import Graph
from likeness.tools.workflows.layout import Group


@pytest.fixture
def graph() -> Graph:
    return Graph("1 Try - two people", definitions())


def test_widgets_keep_their_default_unless_they_are_given(graph):
    latent = graph.add("EmptyLatentImage", width=64, height=32)
    assert latent.values == {"width": 64, "height": 32, "batch_size": 1}


def test_a_title_that_is_not_given_is_the_name_on_screen(graph):
    assert graph.add("LikenessLoadMiniature").title == "Load Miniature"


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("EmptyLatentImage", {"depth": 3}, "EmptyLatentImage has no input .*depth"),
        ("VAEDecode", {}, "VAEDecode needs a link at 'samples'"),
        ("CheckpointLoaderSimple", {}, "needs a value for .*ckpt_name.* depends on the files of the machine"),
        ("LikenessNothing", {}, "LikenessNothing"),
    ],
)
def test_what_comfyui_would_refuse_is_refused_at_once(graph, kind, given, message):
    with pytest.raises(KeyError, match=message):
        graph.add(kind, **given)
    assert graph.nodes == []


def test_files_are_listed_once_in_the_order_of_their_nodes(graph):
    for file in (SDXL, SD15, SDXL):
        graph.add("CheckpointLoaderSimple", ckpt_name=file.name, files=(file,))
    assert graph.files == [SDXL, SD15]


def test_pictures_are_saved_under_a_name_without_spaces(graph):
    assert graph.slug == "1-try-two-people"


def test_groups_are_kept_over_several_placements(graph):
    groups = [Group(title, [[graph.note(title, "text")]]) for title in "ab"]
    _, bottom = graph.place([[groups[0]]])
    graph.place([[groups[1]]], (0, bottom))
    assert graph.groups == groups
    assert groups[1].bounding[1] == bottom
