"""What a user can read about every node: tooltips, and a help page that fits the panel and names all inputs and outputs."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from likeness.tests.docs.documented_nodes import DocumentedNode, cells, documented_nodes

FOLDER = Path(__file__).resolve().parents[2] / "web" / "docs"
NODES = documented_nodes()
PAGES = sorted(FOLDER.rglob("*.md"))
LONGEST_WORD = 28  # characters; a longer one pushes the second column out of the panel, which is 300 pixels wide
LEAST_PROSE = 2  # sentences before the first table

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
every_node = pytest.mark.parametrize("node", NODES, ids=lambda node: node.id)


def without_blocks(page: Path) -> str:
    """The text of a page without its fenced blocks, which scroll by themselves."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def words(text: str) -> list[str]:
    """What a browser does not divide: it may break a line at spaces and behind hyphens."""
    return re.split(r"\s|(?<=\w-)(?=\w)", text.replace("`", "").replace("*", ""))


@pytest.fixture(scope="module")
def schemas():
    from likeness.nodes import LikenessExtension

    nodes = asyncio.run(LikenessExtension().get_node_list())
    return [node.define_schema() for node in nodes]


def test_the_pages_are_those_of_the_nodes_that_are_documented():
    assert sorted(page.stem for page in PAGES) == sorted(node.id for node in NODES)


@every_node
def test_a_page_has_the_name_of_its_node_and_names_all_that_can_be_connected_or_set(node: DocumentedNode):
    text = (FOLDER / f"{node.id}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {node.name}\n")
    assert [name for name in (*node.sockets, *node.widgets) if f"`{name}`" not in text] == []


@every_page
def test_a_page_begins_by_saying_what_the_node_does(page: Path):
    opening = page.read_text(encoding="utf-8").split("\n", 1)[1].split("\n## ", 1)[0]
    assert "|" not in opening
    assert len(re.findall(r"[.:](?=\s)", opening)) >= LEAST_PROSE


@every_page
def test_tables_have_two_columns(page: Path):
    rows = [line for line in without_blocks(page).splitlines() if line.lstrip().startswith("|")]
    assert rows
    assert [row for row in rows if len(cells(row)) != 2] == []


@every_page
def test_no_word_of_a_page_is_wider_than_the_panel(page: Path):
    assert [word for word in words(without_blocks(page)) if len(word) > LONGEST_WORD] == []


@pytest.mark.comfy
def test_every_node_is_described(schemas):
    assert len(schemas) == len({schema.node_id for schema in schemas})
    for schema in schemas:
        assert schema.node_id.startswith("Likeness")
        assert re.fullmatch(r"Likeness/[\w-]+", schema.category), schema.node_id
        assert schema.description, schema.node_id
        unsaid = [entry.id for entry in [*schema.inputs, *schema.outputs] if not entry.tooltip]
        assert unsaid == [], schema.node_id


@pytest.mark.comfy
def test_help_pages_name_every_input_and_output(schemas):
    for schema in schemas:
        text = (FOLDER / f"{schema.node_id}.md").read_text(encoding="utf-8")
        names = [entry.id for entry in schema.inputs] + [entry.display_name for entry in schema.outputs]
        assert [name for name in names if f"`{name}`" not in text] == [], schema.node_id
