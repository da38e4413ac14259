"""ONNX files: what a graph takes and gives, read from the file's structure without loading its weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import CorruptModelFileError
from .head import mapped, read_head
from .protobuf import fields, message, text

Shape = tuple[int | None, ...]
Role = Literal["scrfd", "yunet", "arcface", "sface", "other"]

# Field numbers of onnx.proto3; https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
MODEL_GRAPH = 7
GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT = 5, 11, 12
TENSOR_NAME = 8
VALUE_NAME, VALUE_TYPE = 1, 2
TYPE_TENSOR, TENSOR_SHAPE, SHAPE_DIM, DIM_VALUE = 1, 2, 1, 1

SCRFD_OUTPUTS = (9, 15)  # scores, boxes and points on 3 or 5 strides; graphs without points are of no use here
RECOGNISERS: dict[Shape, Role] = {(512,): "arcface", (128,): "sface"}  # by the length of a vector
YUNET_OUTPUTS = {f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32)}


@dataclass(frozen=True, slots=True)
class OnnxGraph:
    """What a graph takes and gives.

    Attributes:
        inputs: name to shape, weights excluded; None stands for a size that is not fixed.
        outputs: name to shape.
    """

    inputs: dict[str, Shape]
    outputs: dict[str, Shape]

    @property
    def role(self) -> Role:
        """What the graph is for, told by its inputs and outputs as insightface and OpenCV use them."""
        if set(self.outputs) >= YUNET_OUTPUTS:
            return "yunet"
        if len(self.inputs) != 1:
            return "other"
        shape = next(iter(self.inputs.values()))
        if len(self.outputs) in SCRFD_OUTPUTS and len(shape) == 4 and shape[1] in (3, None):
            return "scrfd"
        if len(self.outputs) == 1 and shape[1:] == (3, 112, 112):
            return RECOGNISERS.get(next(iter(self.outputs.values()))[-1:], "other")
        return "other"


def read_graph(path: str | Path) -> OnnxGraph:
    """Read the inputs and outputs of an ONNX file; weights are skipped, so this takes milliseconds.

    Raises:
        MissingModelFileError: if there is no such file.
        CorruptModelFileError: if the file is empty, text, truncated, or no ONNX file.
    """
    path = Path(path)
    read_head(path)
    try:
        inputs, outputs, weights = _read_model(mapped(path))
    except ValueError as error:
        raise CorruptModelFileError(
            f'The file "{path.name}" is truncated or no ONNX file ({error}); download it again.'
        ) from error
    if not outputs:
        raise CorruptModelFileError(
            f'The file "{path.name}" is no ONNX file (it has no graph with outputs); download it again.'
        )
    return OnnxGraph({name: shape for name, shape in inputs.items() if name not in weights}, outputs)


def _read_model(content: memoryview) -> tuple[dict[str, Shape], dict[str, Shape], set[str]]:
    """Inputs, outputs and names of weights."""
    inputs: dict[str, Shape] = {}
    outputs: dict[str, Shape] = {}
    weights: set[str] = set()
    graphs = (message(value) for number, value in fields(content) if number == MODEL_GRAPH)
    for part, held in (each for graph in graphs for each in fields(graph)):
        if part in (GRAPH_INPUT, GRAPH_OUTPUT):
            name, shape = _value(message(held))
            (inputs if part == GRAPH_INPUT else outputs)[name] = shape
        elif part == GRAPH_INITIALIZER:  # before ONNX 4 every weight is an input as well
            weights.update(text(inner) for number, inner in fields(message(held)) if number == TENSOR_NAME)
    return inputs, outputs, weights


def _value(content: memoryview) -> tuple[str, Shape]:
    name, shape = "", ()
    for number, value in fields(content):
        if number == VALUE_NAME:
            name = text(value)
        elif number == VALUE_TYPE:
            for inner in _nested(message(value), (TYPE_TENSOR, TENSOR_SHAPE)):
                shape = tuple(_dimension(dim) for dim in _nested(inner, (SHAPE_DIM,)))
    return name, shape


def _nested(content: memoryview, numbers: tuple[int, ...]) -> Iterator[memoryview]:
    if not numbers:
        yield content
        return
    for number, value in fields(content):
        if number == numbers[0]:
            yield from _nested(message(value), numbers[1:])


def _dimension(content: memoryview) -> int | None:
    """A fixed size, or None."""
    sizes = [value for number, value in fields(content) if number == DIM_VALUE and isinstance(value, int)]
    return (sizes[0] or None) if sizes else None
