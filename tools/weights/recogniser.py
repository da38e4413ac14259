"""A small random face recogniser under the published name, an ONNX file made once and kept in the cache folder.

It takes and gives what insightface's `w600k_r50.onnx` does, so insightface loads it as a recogniser. Its vectors differ
from picture to picture, but say nothing about who is in them.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ..caches import cache_folder

PATH = "insightface/models/buffalo_l/w600k_r50.onnx"  # below ComfyUI's `models/`
SIDE, FEATURES = 112, 512
WIDTHS = (3, 16, 32, 32)  # channels before and after every convolution
STRIDES = (4, 2, 2)  # 112 -> 28 -> 14 -> 7 pixels
KERNEL = 5
OPSET, IR_VERSION = 17, 8  # old enough for every onnxruntime in use
RECIPE = 1  # raise when the graph changes


def make_recogniser() -> dict[str, Path]:
    """Make the file, unless the cache has it already.

    Returns:
        From its place below `models/` to the file in the cache; what `ComfyServer(models=...)` takes.
    """
    sizes = repr((RECIPE, WIDTHS, STRIDES, KERNEL, OPSET, IR_VERSION))
    folder = cache_folder() / "weights" / hashlib.sha256(f"recogniser {sizes}".encode()).hexdigest()[:12]
    target = folder / Path(PATH).name
    if not target.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as stream:
            stream.write(_model().SerializeToString())
        Path(stream.name).replace(target)
    return {PATH: target}


def _model() -> Any:
    """Convolutions with ReLU and one linear layer: (1, 3, 112, 112) to (1, 512)."""
    from onnx import TensorProto, helper, numpy_helper

    chance = np.random.default_rng(0)
    weights: dict[str, np.ndarray[Any, Any]] = {}
    nodes: list[Any] = []
    value = "input.1"
    for index, stride in enumerate(STRIDES):
        kernel, convolved, value = f"conv{index}", value, f"relu{index}"
        weights[kernel] = _centred(chance, (WIDTHS[index + 1], WIDTHS[index], KERNEL, KERNEL))
        pads = [KERNEL // 2] * 4
        nodes.append(helper.make_node("Conv", [convolved, kernel], [f"{kernel}.out"], strides=[stride] * 2, pads=pads))
        nodes.append(helper.make_node("Relu", [f"{kernel}.out"], [value]))
    side = SIDE // int(np.prod(STRIDES))
    weights["linear"] = _centred(chance, (FEATURES, WIDTHS[-1] * side * side))
    nodes.append(helper.make_node("Flatten", [value], ["flat"]))
    nodes.append(helper.make_node("Gemm", ["flat", "linear"], ["683"], transB=1))
    graph = helper.make_graph(
        nodes,
        "face recogniser with random weights",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, ["None", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("683", TensorProto.FLOAT, [1, FEATURES])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[opset])


def _centred(chance: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Random weights that sum to zero per output, so that the answer follows structure, not brightness."""
    rest = tuple(range(1, len(shape)))
    values = chance.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape)
    return (values - values.mean(axis=rest, keepdims=True)).astype(np.float32)


if __name__ == "__main__":
    make_recogniser()
