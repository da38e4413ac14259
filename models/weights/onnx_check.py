"""ONNX files: checked before a library of C++ sees them, which would take a wrong number for memory that it has.

Every weight has the bytes that its shape needs, is finite and lies in the file; every node reads what is there and no number in it
is out of all proportion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np

from ..errors import CorruptModelFileError
from .head import mapped, named, read_head
from .protobuf import fields, message, text, varints
from .tensors import shortened

MOST_NODES = 50_000
DEEPEST = 3  # graphs in nodes of graphs
LARGEST = 1 << 14  # of a kernel, a stride, a group or a size that a node names
MODEL_GRAPH, MODEL_FUNCTIONS = 7, 25
NODES, INITIALIZERS, INPUTS, OUTPUTS, SPARSE = 1, 5, 11, 12, 15  # of a graph
NODE_INPUT, NODE_OUTPUT, NODE_TYPE, NODE_ATTRIBUTE = 1, 2, 4, 5
ATTRIBUTE_NAME, ATTRIBUTE_INT, ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH = 1, 3, 5, 6
ATTRIBUTE_INTS, ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS = 8, 10, 11
DIMS, KIND, FLOATS, INTS, STRINGS, LONGS, NAME, RAW = 1, 2, 4, 5, 6, 7, 8, 9  # of a tensor
DOUBLES, UNSIGNED, EXTERNAL, LOCATION = 10, 11, 13, 14
VALUE_NAME = 1
TYPES = {  # of a tensor: numpy's name, and the field that holds its numbers where they are not raw
    1: ("<f4", FLOATS), 2: ("u1", INTS), 3: ("i1", INTS), 4: ("<u2", INTS), 5: ("<i2", INTS), 6: ("<i4", INTS), 7: ("<i8", LONGS),
    9: ("?", INTS), 10: ("<f2", INTS), 11: ("<f8", DOUBLES), 12: ("<u4", UNSIGNED), 13: ("<u8", UNSIGNED),
}  # fmt: skip
# Numbers in attributes that count pixels or channels: those of them that are not 0 or more have to be 1 or more.
COUNTS = {
    "kernel_shape": 1,
    "strides": 1,
    "dilations": 1,
    "group": 1,
    "pads": 0,
    "output_shape": 1,
    "output_padding": 0,
}


@dataclass(slots=True)
class _Names:
    """What nodes may read at a place."""

    known: set[str] = field(default_factory=set[str])
    count: int = 0


def check_onnx(path: Path, *, of: str = "", again: str = "download it again") -> None:
    """Check a whole ONNX file.

    Args:
        path: the file.
        of: where it comes from, behind its name in a message.
        again: what to do with a file that is damaged, the end of a message.

    Raises:
        MissingModelFileError: if there is no such file.
        CorruptModelFileError: if it cannot be read, or naming what is wrong in it.
    """
    read_head(path)
    reason = _fault(mapped(path))
    if reason:
        raise CorruptModelFileError(f"{named(path)}{of} cannot be loaded ({reason}); {again}.")


def _fault(content: memoryview) -> str:
    """What is wrong with a model; empty where nothing is."""
    try:
        graphs = 0
        for number, value in fields(content):
            if number == MODEL_FUNCTIONS:
                raise ValueError("it defines functions of its own")
            if number == MODEL_GRAPH:
                graphs += 1
                _check_graph(message(value), _Names(), 1)
        if graphs != 1:
            raise ValueError(f"it has {graphs} graphs")
    except ValueError as error:
        return str(error)
    return ""


def _check_graph(graph: memoryview, outer: _Names, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"its graphs are nested more than {DEEPEST} deep")
    names, outputs, nodes = _Names(set(outer.known), outer.count), list[str](), list[memoryview]()
    for number, value in fields(graph):
        if number == SPARSE:
            raise ValueError("it has sparse weights")
        if number == INITIALIZERS:
            names.known.add(_check_tensor(message(value)))
        elif number in (INPUTS, OUTPUTS):
            name = next((text(inner) for part, inner in fields(message(value)) if part == VALUE_NAME), "")
            if number == INPUTS:
                names.known.add(name)
            else:
                outputs.append(name)
        elif number == NODES:
            nodes.append(message(value))
    if len(nodes) > MOST_NODES:
        raise ValueError(f"it has {len(nodes):,} nodes")
    for node in nodes:
        _check_node(node, names, depth)
    lost = next((name for name in outputs if name not in names.known), None)
    if lost is not None:
        raise ValueError(f'nothing makes its output "{shortened(lost)}"')


def _check_node(node: memoryview, names: _Names, depth: int) -> None:
    kind, made = "", list[str]()
    for number, value in fields(node):
        if number == NODE_TYPE:
            kind = text(value)
        elif number == NODE_OUTPUT:
            made.append(text(value))
        elif number == NODE_INPUT and (name := text(value)) and name not in names.known:
            raise ValueError(f'a node reads "{shortened(name)}", which nothing before it makes')
        elif number == NODE_ATTRIBUTE:
            _check_attribute(message(value), names, depth)
    if not kind.isidentifier() or not kind.isascii() or not made:
        raise ValueError("it has a node without a kind, or without an output")
    names.known.update(made)


def _check_attribute(attribute: memoryview, names: _Names, depth: int) -> None:
    name, numbers = "", list[int]()
    for number, value in fields(attribute):
        if number == ATTRIBUTE_NAME:
            name = text(value)
        elif number in (ATTRIBUTE_INT, ATTRIBUTE_INTS):
            numbers += varints(value)
        elif number in (ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS):
            _check_tensor(message(value))
        elif number in (ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS):
            _check_graph(message(value), names, depth + 1)
    if not name.isidentifier() or not name.isascii():
        raise ValueError("it has an attribute without a name")
    least = COUNTS.get(name)
    wrong = [each for each in numbers if least is not None and not least <= each <= LARGEST]
    if wrong:
        raise ValueError(f"a node has {wrong[0]} in {name}")


def _check_tensor(tensor: memoryview) -> str:
    """Check one weight; its name."""
    name, kind, dims = "", 0, list[int]()
    held: dict[int, list[memoryview]] = {}
    for number, value in fields(tensor):
        if number == NAME:
            name = text(value)
        elif number == KIND:
            kind = value if isinstance(value, int) else 0
        elif number == DIMS:
            dims += varints(value)
        elif number in (EXTERNAL, STRINGS) or (number == LOCATION and value != 0):
            raise ValueError(f'its weight "{shortened(name)}" lies in another file, or is no number')
        elif number in (FLOATS, INTS, LONGS, DOUBLES, UNSIGNED, RAW):
            held.setdefault(number, []).append(value if not isinstance(value, int) else memoryview(b"\0"))
    if kind not in TYPES:
        raise ValueError(f'its weight "{shortened(name)}" has the type {kind}')
    dtype, place = TYPES[kind]
    wanted = prod(dims)
    if min(dims, default=0) < 0 or held.keys() - {place, RAW} or len(held) > 1:
        raise ValueError(f'its weight "{shortened(name)}" has a shape that is none')
    if RAW in held and len(held[RAW]) == 1:
        values = np.frombuffer(held[RAW][0], np.uint8)
        fits, numbers = len(values) == wanted * np.dtype(dtype).itemsize, values
        floats = numbers.view(dtype) if fits and dtype in ("<f4", "<f2", "<f8") else None
    else:
        parts = list(_unpacked(held.get(place, []), place))
        fits = sum(map(len, parts)) == wanted
        floats = np.concatenate(parts) if fits and parts and place in (FLOATS, DOUBLES) else None
    if not fits:
        raise ValueError(f'its weight "{shortened(name)}" has other bytes than its shape {dims[:8]} needs')
    if floats is not None and floats.size and not np.isfinite([floats.min(), floats.max()]).all():
        raise ValueError(f'its weight "{shortened(name)}" holds NaN or infinity')
    return name


def _unpacked(held: list[memoryview], place: int) -> Iterator[np.ndarray]:
    """The numbers of a weight that are not raw: floats as they are, whole ones counted by the bytes that end them."""
    for value in held:
        if place in (FLOATS, DOUBLES):
            width = 4 if place == FLOATS else 8
            if len(value) % width:
                raise ValueError("it has a weight that is cut off")
            yield np.frombuffer(value, f"<f{width}")
        else:
            ends = np.frombuffer(value, np.uint8) < 0x80
            yield np.zeros(int(ends.sum()), np.uint8)
