"""The words of the page: every node, input and output has its own in English and Chinese, and nothing else has."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.request
from collections.abc import Iterator

import pytest
from likeness.tests.docs.documented_nodes import documented_nodes
from likeness.tools.locales.labels import LANGUAGES, PATTERN_LETTERS, Words
from likeness.tools.locales.write import FOLDER, write_text

NODES = documented_nodes()
COMMAND = "run likeness.tools.locales.write"

every_language = pytest.mark.parametrize("language", LANGUAGES)


def shipped(language: str) -> dict:
    return json.loads((FOLDER / language / "nodeDefs.json").read_text("utf-8"))


def texts(entry: dict | str) -> Iterator[str]:
    """All texts in an entry, however deep."""
    if isinstance(entry, str):
        yield entry
    else:
        for each in entry.values():
            yield from texts(each)


@pytest.fixture(scope="module")
def definitions() -> dict:
    """The nodes of this ComfyUI as its `/object_info` gives them."""
    from likeness.nodes import LikenessExtension

    nodes = asyncio.run(LikenessExtension().get_node_list())
    return {node.define_schema().node_id: node.GET_NODE_INFO_V1() for node in nodes}


def test_there_is_a_folder_for_each_language():
    assert sorted(file.relative_to(FOLDER).as_posix() for file in FOLDER.rglob("*.*")) == [
        f"{language}/nodeDefs.json" for language in sorted(LANGUAGES)
    ]


@every_language
def test_the_documented_nodes_and_all_that_can_be_connected_or_set_have_words(language):
    entries = shipped(language)
    assert sorted(entries) == sorted(node.id for node in NODES)
    for node in NODES:
        entry = entries[node.id]
        assert set(node.widgets) <= set(entry["inputs"]), node.id
        assert len(set(node.sockets)) <= len(entry["inputs"]) + len(entry["outputs"]), node.id


@every_language
def test_every_entry_has_a_label_for_people(language):
    for node, entry in shipped(language).items():
        assert entry["display_name"], node
        for each in (*entry["inputs"].values(), *entry["outputs"].values()):
            assert each["name"], node
            assert "_" not in each["name"], node


def test_chinese_has_every_description_and_tooltip_in_chinese():
    for node, entry in shipped("zh").items():
        said = [entry["description"]]
        said += [each["tooltip"] for each in (*entry["inputs"].values(), *entry["outputs"].values())]
        assert [text for text in said if not re.search(r"[\u4e00-\u9fff]", text)] == [], node


@every_language
def test_no_text_is_a_pattern_to_the_page(language):
    """ComfyUI's page reads these as patterns: one that it cannot read stops the page of 0.3.64."""
    assert [text for text in texts(shipped(language)) if PATTERN_LETTERS & set(text)] == []


@every_language
def test_no_two_inputs_of_a_node_are_called_alike(language):
    for node, entry in shipped(language).items():
        names = [each["name"] for each in entry["inputs"].values()]
        assert len(names) == len(set(names)), node


@pytest.mark.comfy
def test_files_are_what_tables_and_schemas_give(definitions):
    words = Words.read()
    for path, text in write_text(definitions, words).items():
        assert (FOLDER / path).read_text("utf-8") == text, f"{path} is out of date: {COMMAND}"
    assert words.unused() == set(), "no node says this any more"


@pytest.mark.comfy
def test_comfyui_gives_them_to_its_page(miniature_server):
    with urllib.request.urlopen(f"{miniature_server.url}/i18n", timeout=60) as response:
        given = json.load(response)
    for language in LANGUAGES:
        ours = {name: each for name, each in given[language]["nodeDefs"].items() if name.startswith("Likeness")}
        assert ours == shipped(language)
