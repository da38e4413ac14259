"""Graphs are checked before a library of C++ sees them."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
from likeness.models.errors import CorruptModelFileError
from likeness.models.weights.onnx_check import check_onnx
from likeness.tests.models.face import synthetic_detectors

onnx = pytest.importorskip("onnx")

DETECT = """
import sys, cv2, numpy
cv2.setNumThreads(1)
try:
    cv2.FaceDetectorYN.create(sys.argv[1], "", (640, 640), 0.5, 0.3, 5000).detect(numpy.zeros((640, 640, 3), numpy.uint8))
except cv2.error:
    sys.exit(1)
"""


@pytest.fixture
def model(tmp_path):
    return onnx.load(synthetic_detectors.yunet(tmp_path / "whole.onnx"))


def refused(tmp_path, model):
    path = tmp_path / "a.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(CorruptModelFileError) as error:
        check_onnx(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def weight(model, name):
    return next(each for each in model.graph.initializer if each.name == name)


@pytest.mark.parametrize("kind", ["scrfd", "yunet", "arcface", "sface", "landmarks"])
def test_whole_graphs_pass(tmp_path, kind):
    check_onnx(getattr(synthetic_detectors, kind)(tmp_path / "a.onnx"))


def test_numbers_that_are_not_raw_pass_too(tmp_path, model):
    for name, values in (("zero", [0.0]), ("cls_8_shape", [1, 6400, 1])):
        held = weight(model, name)
        shape = list(held.dims)
        held.CopyFrom(onnx.helper.make_tensor(name, held.data_type, shape, values))
    onnx.save(model, tmp_path / "a.onnx")
    check_onnx(tmp_path / "a.onnx")


@pytest.mark.parametrize("dims", [[2**33, 2**33], [-1, -1], [2], [2**62, 4], [0]])
def test_a_weight_larger_than_its_bytes_is_refused(tmp_path, model, dims):
    del weight(model, "zero").dims[:]
    weight(model, "zero").dims.extend(dims)
    assert 'its weight "zero" has' in refused(tmp_path, model)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_weight_that_is_no_number_is_refused(tmp_path, model, value):
    weight(model, "colour").raw_data = np.array([0, value, 0], np.float32).tobytes()
    assert 'its weight "colour" holds NaN or infinity' in refused(tmp_path, model)


def test_weights_elsewhere_and_of_foreign_types_are_refused(tmp_path, model):
    held = weight(model, "zero")
    held.data_location = onnx.TensorProto.EXTERNAL
    held.external_data.add(key="location", value="../../etc/passwd")
    assert "lies in another file" in refused(tmp_path, model)
    held.CopyFrom(onnx.helper.make_tensor("zero", onnx.TensorProto.STRING, [1], [b"x"]))
    assert "lies in another file, or is no number" in refused(tmp_path, model)
    held.CopyFrom(onnx.helper.make_tensor("zero", onnx.TensorProto.COMPLEX64, [1], [1j]))
    assert 'its weight "zero" has the type 14' in refused(tmp_path, model)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda graph: graph.node[0].input.__setitem__(0, "nowhere"),
            'a node reads "nowhere", which nothing before it makes',
        ),
        (
            lambda graph: graph.node.insert(0, graph.node[-1]) or graph.initializer.pop(),
            "which nothing before it makes",
        ),
        (lambda graph: graph.output[0].__setattr__("name", "nobody"), 'nothing makes its output "nobody"'),
        (lambda graph: graph.node[0].__setattr__("op_type", "Max Pool"), "a node without a kind"),
        (lambda graph: graph.node[0].output.pop(), "without an output"),
        (lambda graph: graph.sparse_initializer.add(), "sparse weights"),
    ],
)
def test_nodes_that_read_what_is_not_there_are_refused(tmp_path, model, change, reason):
    change(model.graph)
    assert reason in refused(tmp_path, model)


@pytest.mark.parametrize("name", ["kernel_shape", "strides", "pads"])
@pytest.mark.parametrize("value", [-1, 2**40])
def test_numbers_of_a_node_out_of_all_proportion_are_refused(tmp_path, model, name, value):
    held = next(each for each in model.graph.node[0].attribute if each.name == name)
    held.ints[0] = value
    assert f"a node has {value} in {name}" in refused(tmp_path, model)


def test_functions_nested_graphs_and_no_graph_are_refused(tmp_path, model):
    empty = onnx.ModelProto()
    empty.ir_version = 8
    assert "it has 0 graphs" in refused(tmp_path, empty)
    inner = onnx.GraphProto()
    for _ in range(4):
        outer = onnx.GraphProto()
        outer.node.add(op_type="If", output=["x"]).attribute.add(name="then_branch", g=inner)
        inner = outer
    model.graph.node[0].attribute.add(name="then_branch", g=inner)
    assert "nested more than 3 deep" in refused(tmp_path, model)
    model.graph.node[0].attribute.pop()
    model.functions.add()
    assert "functions of its own" in refused(tmp_path, model)


def test_a_sentence_comes_before_opencv_ends_the_process(tmp_path):
    """Seeded bytes are changed in the structure of a graph; what is let through runs in a process of its own, for a fork of one with threads may wait for ever."""
    pytest.importorskip("cv2")
    whole = synthetic_detectors.yunet(tmp_path / "whole.onnx").read_bytes()
    marks = [
        whole.find(name) for name in (b"kernel", b"strides", b"colour", b"zero", b"cls_8_shape", b"Reshape", b"bbox_16")
    ]
    chosen, path, refusals, ran = random.Random(0), tmp_path / "a.onnx", 0, 0
    for _ in range(60):
        content = bytearray(whole)
        content[chosen.choice(marks) + chosen.randrange(-16, 24)] = chosen.randrange(256)
        path.write_bytes(content)
        try:
            check_onnx(path)
        except CorruptModelFileError:
            refusals += 1
            continue
        ended = subprocess.run([sys.executable, "-c", DETECT, str(path)], stderr=subprocess.DEVNULL, check=False)
        assert ended.returncode in (0, 1), f"OpenCV ended the process: {ended.returncode}"
        ran += 1
    assert refusals > 10
    assert ran > 3
