"""The nodes as docs/nodes.md describes them: what pages and papers are compared with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "nodes.md"


@dataclass(frozen=True)
class DocumentedNode:
    """A node of docs/nodes.md.

    Attributes:
        id: permanent id.
        name: on screen.
        sockets: names of inputs and outputs.
        widgets: names of widgets.
    """

    id: str
    name: str
    sockets: tuple[str, ...]
    widgets: tuple[str, ...]


def cells(line: str) -> list[str]:
    """The cells of a table's row; an escaped bar belongs to its cell."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def documented_nodes() -> list[DocumentedNode]:
    """Every node of docs/nodes.md, in its order."""
    rows = list(_rows(TABLE.read_text(encoding="utf-8")))
    return [
        DocumentedNode(
            id=row[0].strip("`"), name=row[1], sockets=_names(" ".join(row[2:])), widgets=_widgets(rows, shelf, row[1])
        )
        for shelf, row in rows
        if re.fullmatch(r"`Likeness\w+`", row[0])
    ]


def _rows(text: str) -> Iterator[tuple[str, list[str]]]:
    shelf = ""
    for line in text.splitlines():
        if line.startswith("## "):
            shelf = line[3:]
        elif line.startswith("|"):
            yield shelf, cells(line)


def _names(cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.findall(r"`([^`]+)`", cell)))


def _widgets(rows: list[tuple[str, list[str]]], shelf: str, name: str) -> tuple[str, ...]:
    """The widgets of a node, from the tables of five columns below its heading."""
    found = [row[1] for heading, row in rows if heading == shelf and len(row) == 5 and _is_meant(name, row[0])]
    return _names(" ".join(found))


def _is_meant(name: str, cell: str) -> bool:
    """Whether a cell such as "Add Person" or "Detect, Pick" means a node of its shelf."""
    return any(name == part or ("," in cell and name.startswith(f"{part} ")) for part in cell.split(", "))
