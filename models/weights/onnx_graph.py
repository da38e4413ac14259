"""ONNX files: what a graph takes and gives, read from the file's structure without loading its weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Literal

from ..errors import CorruptModelFileError
from .head import read_head

Shape = tuple[int | None, ...]
Role = Literal["scrfd", "yunet", "arcface", "sface", "other"]

# Field numbers of onnx.proto3; https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
MODEL_GRAPH = 7
GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT = 5, 11, 12
TENSOR_NAME = 8
VALUE_NAME, VALUE_TYPE = 1, 2
TYPE_TENSOR, TENSOR_SHAPE, SHAPE_DIM, DIM_VALUE = 1, 2, 1, 1
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

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
    inputs: dict[str, Shape] = {}
    outputs: dict[str, Shape] = {}
    weights: set[str] = set()
    try:
        with path.open("rb") as stream:
            size = path.stat().st_size
            for number, length in _fields(stream, size):
                if number == MODEL_GRAPH:
                    _read_graph_fields(stream, stream.tell() + length, inputs, outputs, weights)
    except (ValueError, UnicodeDecodeError) as error:
        raise CorruptModelFileError(
            f'The file "{path.name}" is truncated or no ONNX file ({error}); download it again.'
        ) from error
    if not outputs:
        raise CorruptModelFileError(
            f'The file "{path.name}" is no ONNX file (it has no graph with outputs); download it again.'
        )
    return OnnxGraph({name: shape for name, shape in inputs.items() if name not in weights}, outputs)


def _read_graph_fields(
    stream: BinaryIO, end: int, inputs: dict[str, Shape], outputs: dict[str, Shape], weights: set[str]
) -> None:
    for number, length in _fields(stream, end):
        if number in (GRAPH_INPUT, GRAPH_OUTPUT):
            name, shape = _value(stream.read(length))
            (inputs if number == GRAPH_INPUT else outputs)[name] = shape
        elif number == GRAPH_INITIALIZER:
            # before ONNX 4 every weight is an input as well
            for inner, inner_length in _fields(stream, stream.tell() + length):
                if inner == TENSOR_NAME:
                    weights.add(stream.read(inner_length).decode())


def _value(content: bytes) -> tuple[str, Shape]:
    stream = BytesIO(content)
    name, shape = "", ()
    for number, length in _fields(stream, len(content)):
        if number == VALUE_NAME:
            name = stream.read(length).decode()
        elif number == VALUE_TYPE:
            for inner in _nested(stream.read(length), (TYPE_TENSOR, TENSOR_SHAPE)):
                shape = tuple(_dimension(dim) for dim in _nested(inner, (SHAPE_DIM,)))
    return name, shape


def _nested(content: bytes, numbers: tuple[int, ...]) -> Iterator[bytes]:
    if not numbers:
        yield content
        return
    stream = BytesIO(content)
    for number, length in _fields(stream, len(content)):
        if number == numbers[0]:
            yield from _nested(stream.read(length), numbers[1:])


def _dimension(content: bytes) -> int | None:
    stream = BytesIO(content)
    while stream.tell() < len(content):
        tag = _varint(stream)
        if tag >> 3 == DIM_VALUE and tag & 7 == VARINT:
            return _varint(stream) or None
        stream.seek(_varint(stream), 1)
    return None


def _fields(stream: BinaryIO, end: int) -> Iterator[tuple[int, int]]:
    """Number and length of every length-delimited field up to `end`; the stream is moved behind each afterwards."""
    while stream.tell() < end:
        tag = _varint(stream)
        number, wire = tag >> 3, tag & 7
        if number == 0 or wire not in (VARINT, FIXED64, BYTES, FIXED32):
            raise ValueError("its structure is not that of a protobuf file")
        if wire == VARINT:
            _varint(stream)
            continue
        length = _varint(stream) if wire == BYTES else {FIXED64: 8, FIXED32: 4}[wire]
        behind = stream.tell() + length
        if behind > end:
            raise ValueError("it ends in the middle of a field")
        if wire == BYTES:
            yield number, length
        stream.seek(behind)


def _varint(stream: BinaryIO) -> int:
    value = shift = 0
    while shift < 70:
        byte = stream.read(1)
        if not byte:
            raise ValueError("it ends in the middle of a number")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
        shift += 7
    raise ValueError("it holds a number that is too long")
