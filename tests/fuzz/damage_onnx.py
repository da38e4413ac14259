"""Damage to ONNX graphs: bytes, sizes and types of their constants, nodes, data that lie elsewhere."""

from __future__ import annotations

from pathlib import Path
from random import Random

import onnx
from onnx import TensorProto, helper

from .damage_bytes import damage_bytes, put_elsewhere

SIZES = (2**33, -1, 0, 2**62, 1, 7)
PLACES = ("/etc/passwd", "../../../etc/passwd", "/dev/zero", "../ran", "x" * 5000, "")


def damage_graph(random: Random, base: Path, path: Path) -> str:
    """Write a graph changed in some way; the way."""
    way = random.choice(("bytes", "bytes", "bytes", "constant", "constant", "node", "outside", "port", "place"))
    content = base.read_bytes()
    if way == "bytes":
        content, how = damage_bytes(random, content)
        path.write_bytes(content)
        return f"bytes {how}"
    path.write_bytes(content)
    if way == "place":
        return put_elsewhere(random, path)
    model = onnx.load(path)
    {"constant": _constant, "node": _node, "outside": _outside, "port": _port}[way](random, model.graph)
    path.write_bytes(model.SerializeToString())
    return way


def _constant(random: Random, graph: onnx.GraphProto) -> None:
    """A constant of other sizes, another type or other values."""
    constant = random.choice(graph.initializer)
    way = random.randrange(4)
    if way == 0:
        constant.dims[:] = [random.choice(SIZES) for _ in range(random.choice((1, 2, 4)))]
    elif way == 1:
        constant.data_type = random.choice(
            (TensorProto.INT64, TensorProto.STRING, TensorProto.FLOAT16, TensorProto.BOOL, 99)
        )
    elif way == 2:
        constant.raw_data = random.choice(
            (b"", b"\xff" * len(constant.raw_data), constant.raw_data * 2, constant.raw_data[:-1])
        )
    else:
        graph.initializer.remove(constant)


def _node(random: Random, graph: onnx.GraphProto) -> None:
    """A node that is another, is missing, goes round in a circle, or has other settings."""
    node = random.choice(graph.node)
    way = random.randrange(4)
    if way == 0:
        node.op_type = random.choice(("Relu", "Loop", "Nothing", "", "ConstantOfShape", "Tile", "Pad", "Gather"))
    elif way == 1:
        graph.node.remove(node)
    elif way == 2:
        node.input[0] = node.output[0]
    else:
        node.attribute.extend([helper.make_attribute("kernel_shape", [random.choice(SIZES)] * 2)])


def _outside(random: Random, graph: onnx.GraphProto) -> None:
    """A constant whose values lie in another file."""
    constant = random.choice(graph.initializer)
    constant.ClearField("raw_data")
    constant.data_location = TensorProto.EXTERNAL
    entry = constant.external_data.add()
    entry.key, entry.value = "location", random.choice(PLACES)


def _port(random: Random, graph: onnx.GraphProto) -> None:
    """An input or output of another shape, or none."""
    ports = random.choice((graph.input, graph.output))
    port = random.choice(ports)
    way = random.randrange(3)
    if way == 0:
        ports.remove(port)
    elif way == 1:
        port.type.tensor_type.ClearField("shape")
    else:
        for size in port.type.tensor_type.shape.dim:
            size.dim_value = random.choice(SIZES)
