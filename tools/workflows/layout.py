"""Where nodes stand: titled frames in columns, as compact as what they show allows.

ComfyUI fits a template into the window when it opens it, so a workflow is readable only if it is small as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .node import Node
from .sizes import TITLE_HEIGHT, size_of

GAP = 40
NODE_GAP = 24
GROUP_PADDING = 20
GROUP_TITLE = 50


@dataclass(eq=False, slots=True)
class Group:
    """A titled frame around nodes.

    Attributes:
        title: what stands above it.
        columns: its nodes, those of a column above each other.
        bounding: x, y, width and height, set when it is placed.
    """

    title: str
    columns: Sequence[Sequence[Node]]
    bounding: tuple[int, int, int, int] = (0, 0, 0, 0)

    def members(self) -> Iterator[Node]:
        """Give every node in it."""
        for column in self.columns:
            yield from column


def place_groups(columns: Sequence[Sequence[Group]], at: tuple[int, int] = (0, 0)) -> tuple[int, int]:
    """Place groups and their nodes: columns from left to right, the groups of one column above each other.

    Args:
        columns: the groups, column by column.
        at: x and y of the upper left corner.

    Returns:
        x and y of the lower right corner, gap included.
    """
    x, bottom = at
    for column in columns:
        y = at[1]
        width = max(_width(group) for group in column)
        for group in column:
            y += _place_group(group, x, y, width) + GAP
        x += width + GAP
        bottom = max(bottom, y)
    return x, bottom


def _width(group: Group) -> int:
    return sum(map(_column_width, group.columns)) + GAP * (len(group.columns) - 1) + 2 * GROUP_PADDING


def _column_width(column: Sequence[Node]) -> int:
    return max(size_of(node)[0] for node in column)


def _place_group(group: Group, x: int, y: int, width: int) -> int:
    """Place one group; gives its height."""
    left, bottom = x + GROUP_PADDING, y
    for column in group.columns:
        top = y + GROUP_TITLE
        for node in column:
            node.position = (left, top + TITLE_HEIGHT)
            top += TITLE_HEIGHT + size_of(node)[1] + NODE_GAP
        left += _column_width(column) + GAP
        bottom = max(bottom, top - NODE_GAP + GROUP_PADDING)
    group.bounding = (x, y, width, bottom - y)
    return bottom - y
