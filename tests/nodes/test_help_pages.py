"""What a user can read about every node: tooltips, and a help page that fits the panel and names all inputs and outputs."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
from likeness.tests.docs.documented_nodes import DocumentedNode, cells, documented_nodes
from likeness.tools.locales.labels import LANGUAGES
from likeness.tools.locales.write import FOLDER as LOCALES

FOLDER = Path(__file__).resolve().parents[2] / "web" / "docs"
NODES = documented_nodes()
ENGLISH = sorted(FOLDER.glob("*.md"))
CHINESE = sorted(FOLDER.glob("*/*.md"))
PAGES = [*ENGLISH, *CHINESE]
LONGEST_WORD = 28  # characters; a longer one pushes the second column out of the panel, which is 300 pixels wide
# What the panel leaves a table, and what letters, code and cells take there: measured in the page of 0.33.0.
TABLE, LETTER, CODE_LETTER, CODE_EDGES, CELL_EDGES = 276, 7.3, 8.43, 12, 16
LEAST_PROSE = 2  # sentences before the first table

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(FOLDER).as_posix())
every_node = pytest.mark.parametrize("node", NODES, ids=lambda node: node.id)


def read(page: Path) -> str:
    """The text of a page; identifiers that may be broken in their cell are as all others."""
    return re.sub(
        r"<code>(.*?)</code>", lambda found: f"`{found[1].replace('<wbr>', '')}`", page.read_text(encoding="utf-8")
    )


def without_blocks(page: Path) -> str:
    """The text of a page without its fenced blocks, which scroll by themselves."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def words(text: str) -> list[str]:
    """What a browser does not divide: it may break a line at spaces, behind hyphens, where it is told, and in Chinese."""
    plain = re.sub(r"</?code>|[`*]", "", text)
    return re.split(r"\s|(?<=\w-)(?=\w)|<wbr>|[\u2018-\u201d\u2026\u3000-\u9fff\uff00-\uffef]", plain)


def narrowest(cell: str) -> float:
    """About how many pixels a cell takes at least."""
    parts = re.split(r"(<code>.*?</code>|`[^`]*`)", cell)
    code, prose = parts[1::2], parts[::2]
    return CELL_EDGES + max(
        *(CODE_LETTER * len(word) + CODE_EDGES for part in code for word in words(part)),
        *(LETTER * len(word) for part in prose for word in words(part)),
        0,
        0,
    )


def tables(page: Path) -> list[list[tuple[str, ...]]]:
    """What is named in the first cell of every row of every table."""
    found: list[list[tuple[str, ...]]] = []
    before = ""
    for line in re.sub(r"^```.*?^```", "", read(page), flags=re.DOTALL | re.MULTILINE).splitlines():
        if line.startswith("|"):
            if not before.startswith("|"):
                found.append([])
            found[-1].append(tuple(re.findall(r"`([^`]+)`", cells(line)[0])))
        before = line
    return found


@pytest.fixture(scope="module")
def schemas():
    from likeness.nodes import LikenessExtension

    nodes = asyncio.run(LikenessExtension().get_node_list())
    return [node.define_schema() for node in nodes]


def test_the_pages_are_those_of_the_nodes_that_are_documented():
    nodes = sorted(node.id for node in NODES)
    assert [page.stem for page in ENGLISH] == nodes
    assert [page.relative_to(FOLDER).as_posix() for page in CHINESE] == [f"{node}/zh.md" for node in nodes]


@every_node
def test_both_languages_have_the_same_tables_rows_and_blocks(node: DocumentedNode):
    english, chinese = FOLDER / f"{node.id}.md", FOLDER / node.id / "zh.md"
    assert tables(english) == tables(chinese)
    blocks = [
        re.findall(r"^```.*?^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE) for page in (english, chinese)
    ]
    assert blocks[0] == blocks[1]
    points = [len(re.findall(r"^- ", page.read_text("utf-8"), re.MULTILINE)) for page in (english, chinese)]
    assert points[0] == points[1]


@pytest.mark.parametrize("language", LANGUAGES)
@every_node
def test_a_page_says_what_the_node_calls_its_inputs_and_outputs(node: DocumentedNode, language: str):
    """The page shows labels; help, messages and programs use identifiers."""
    text = read(FOLDER / f"{node.id}.md" if language == "en" else FOLDER / node.id / f"{language}.md")
    entry = json.loads((LOCALES / language / "nodeDefs.json").read_text("utf-8"))[node.id]
    assert text.startswith(f"# {entry['display_name']}\n")
    unsaid = {
        name: each["name"]
        for name, each in entry["inputs"].items()
        if each["name"].lower().replace("-", " ") != name.replace("_", " ")
        and not re.search(rf"`{name}` “?{re.escape(each['name'])}", text)
    }
    assert unsaid == {}


@every_node
def test_a_page_has_the_name_of_its_node_and_names_all_that_can_be_connected_or_set(node: DocumentedNode):
    text = read(FOLDER / f"{node.id}.md")
    assert text.startswith(f"# {node.name}\n")
    assert [name for name in (*node.sockets, *node.widgets) if f"`{name}`" not in text] == []


@every_page
def test_a_page_begins_by_saying_what_the_node_does(page: Path):
    opening = page.read_text(encoding="utf-8").split("\n", 1)[1].split("\n## ", 1)[0]
    assert "|" not in opening
    assert len(re.findall(r"[.:](?=\s)|[。：]", opening)) >= LEAST_PROSE


@every_page
def test_tables_have_two_columns(page: Path):
    rows = [line for line in without_blocks(page).splitlines() if line.lstrip().startswith("|")]
    assert rows
    assert [row for row in rows if len(cells(row)) != 2] == []


@every_page
def test_no_word_of_a_page_is_wider_than_the_panel(page: Path):
    assert [word for word in words(without_blocks(page)) if len(word) > LONGEST_WORD] == []


@every_page
def test_no_table_is_wider_than_the_panel(page: Path):
    rows: list[list[str]] = [[]]
    for line in without_blocks(page).splitlines():
        if line.startswith("|"):
            rows[-1].append(line)
        elif rows[-1]:
            rows.append([])
    found = [[cells(line) for line in table if set(line) - set("|-")] for table in rows if table]
    widths = [sum(max(map(narrowest, column)) for column in zip(*table, strict=True)) for table in found]
    assert max(widths) <= TABLE


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
        text = read(FOLDER / f"{schema.node_id}.md")
        names = [entry.id for entry in schema.inputs] + [entry.display_name for entry in schema.outputs]
        assert [name for name in names if f"`{name}`" not in text] == [], schema.node_id
