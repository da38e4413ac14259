"""The table of shipped workflows: names, builders, thumbnails."""

from __future__ import annotations

import re

import pytest
from likeness.tests.tools.workflows.graphs import built, nodes_of, real_nodes
from likeness.tools.weights.known_files import CONSISTENTID_SDXL
from likeness.tools.workflows.facestudio import sweeps
from likeness.tools.workflows.workflow import Collage, Scheme
from likeness.tools.workflows.write import SHELVES, WORKFLOWS

# One person and one method are 12 nodes at most; a further person is a photo, Add Person and a map; a further means of placing or
# posing brings its own, and so do a style, a text and a second picture.
ALONE, MORE = 12, 3
FURTHER = {
    "UniPortrait - two people in a given pose": 1,
    "UniPortrait - two people inside masks": 1,
    "IP-Adapter - two people by the router": 1,
    "OmniPortrait - two people": 1,
    "IP-Adapter - two people in a style": 2,
    "UniPortrait - one person guided": 1,
    "ConsistentID - one person guided": 1,
    "OmniPortrait - one person": 1,
    "Guidance - one person in a given pose": 1,
    "FaceStudio - style and face": 1,
    "FaceStudio - style and face with SDXL": 1,
    "FaceStudio - style and text with SDXL": 2,
    "FaceStudio - two people inside masks": 3,
    "FaceStudio - one face in two views": 4,
}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_names_are_safe_for_files_and_addresses(name):
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 -]*[A-Za-z0-9](\.app)?", name)


def test_no_method_takes_the_name_of_another_s_workflow():
    assert sum(len(method.WORKFLOWS) for method in SHELVES) == len(WORKFLOWS)


def test_the_first_name_of_the_list_is_what_runs_without_a_download():
    assert min(WORKFLOWS) == "1 Try without download - two people"
    assert min((name for name in WORKFLOWS if "two" in name), key=len) == "UniPortrait - two people"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_thumbnail_shows_as_many_people_as_the_workflow_has(name):
    thumbnail = WORKFLOWS[name].thumbnail
    people = len(nodes_of(built(name), "LikenessAddPerson"))
    assert people == (thumbnail.portraits if isinstance(thumbnail, Collage) else thumbnail.people)


def test_no_two_drawn_thumbnails_are_the_same():
    schemes = [each.thumbnail for each in WORKFLOWS.values() if isinstance(each.thumbnail, Scheme)]
    assert len(set(schemes)) == len(schemes)


@pytest.mark.parametrize("name", [name for name in WORKFLOWS if "group" not in name and name not in sweeps.WORKFLOWS])
def test_a_workflow_has_few_nodes(name):
    graph = built(name)
    people = len(nodes_of(graph, "LikenessAddPerson"))
    assert len(real_nodes(graph)) <= ALONE + MORE * (people - 1 + FURTHER.get(name, 0))


@pytest.mark.parametrize("name", WORKFLOWS)
def test_loaders_of_ours_find_their_files_by_themselves(name):
    for node in real_nodes(built(name)):
        if node.kind.startswith("LikenessLoad"):
            named = {key: value for key, value in node.values.items() if str(value).endswith((".bin", ".onnx"))}
            is_one_of_two = node.kind == "LikenessLoadConsistentID" and "SDXL" in name
            expected = {"consistentid": CONSISTENTID_SDXL.name} if is_one_of_two else {}  # beside the one for SD1.5
            if node.kind == "LikenessLoadIPAdapter":  # of which there are many kinds
                named, expected = {"ip_adapter": node.values["ip_adapter"]}, {"ip_adapter": node.files[0].name}
            assert named == expected, node.kind
        assert node.kind not in ("CLIPVisionLoader", "PreviewImage")
