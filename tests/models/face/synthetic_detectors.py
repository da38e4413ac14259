"""Small ONNX graphs in the layouts of SCRFD, YuNet and ArcFace that find red squares instead of faces.

A square scores highest where a 64 pixel window of the network's input is redder than anything else, so colour order,
scaling, decoding and suppression are all exercised without downloaded weights.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 640
HALF = 32  # pixels at the network's input: boxes reach this far from the middle
POINTS = np.array([(-16, -12), (16, -12), (0, 4), (-12, 18), (12, 18)], np.float32)  # from the middle, network pixels
STRIDES = (8, 16, 32)


def scrfd(path, *, only_with_grey_corner=False):
    """An SCRFD graph: RGB in, normalised to (x - 127.5) / 128; redness is 1 for pure red, 0 for grey.

    With `only_with_grey_corner` everything scores 0 unless the top left corner is grey 128, as in a padded picture.
    """
    redness = np.array([0.5, -0.25, -0.25], np.float32)
    nodes, weights = _score_map(redness, 0.0)
    if only_with_grey_corner:
        weights |= {"begin": np.array([0, 0]), "end": np.array([8, 8]), "axes": np.array([2, 3])}
        weights |= {"steep": np.float32(-20), "one": np.float32(1)}
        nodes += [
            helper.make_node("Slice", ["input.1", "begin", "end", "axes"], ["corner"]),
            helper.make_node("Abs", ["corner"], ["distance"]),
            helper.make_node("ReduceMax", ["distance"], ["furthest"], keepdims=0),
            helper.make_node("Mul", ["furthest", "steep"], ["fall"]),
            helper.make_node("Add", ["fall", "one"], ["open"]),
            helper.make_node("Clip", ["open", "zero", "one"], ["gate"]),
            helper.make_node("Mul", ["map", "gate"], ["gated"]),
        ]
    count = {stride: (SIDE // stride) ** 2 * 2 for stride in STRIDES}
    weights |= {"both": np.array([6400, 1]), "column": np.array([count[8], 1])}
    nodes += [
        helper.make_node("Reshape", ["gated" if only_with_grey_corner else "map", "both"], ["single"]),
        helper.make_node("Concat", ["single", "single"], ["anchors"], axis=1),  # two anchors per place
        helper.make_node("Reshape", ["anchors", "column"], ["score_8"]),
    ]
    outputs = ["score_8"]
    for kind in ("score", "bbox", "kps"):
        for stride in STRIDES:
            name = f"{kind}_{stride}"
            if name == "score_8":
                continue
            row = {"score": np.zeros(1), "bbox": np.full(4, HALF / stride), "kps": POINTS.reshape(-1) / stride}[kind]
            weights[name + "_value"] = np.tile(row.astype(np.float32), (count[stride], 1))
            nodes.append(helper.make_node("Identity", [name + "_value"], [name]))
            outputs.append(name)
    shapes = {"score": 1, "bbox": 4, "kps": 10}
    values = [_value(name, [count[int(name.split("_")[1])], shapes[name.split("_")[0]]]) for name in outputs]
    return _save(path, nodes, [_value("input.1", [1, 3, None, None])], values, weights)


def yunet(path):
    """A YuNet graph: BGR in, 0-255; the red that it finds is the third channel."""
    nodes, weights = _score_map(np.array([-0.5, -0.5, 1.0], np.float32) / 255, 0.0, name="input")
    outputs = []
    for kind, width in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
        for stride in STRIDES:
            name, count = f"{kind}_{stride}", (SIDE // stride) ** 2
            outputs.append(_value(name, [1, count, width]))
            if kind in ("cls", "obj") and stride == 8:
                weights[name + "_shape"] = np.array([1, count, 1])
                nodes.append(helper.make_node("Reshape", ["map", name + "_shape"], [name]))
                continue
            row = {
                "cls": np.zeros(1),
                "obj": np.zeros(1),
                "bbox": np.array([0, 0, *np.log([2 * HALF / stride] * 2)]),
                "kps": POINTS.reshape(-1) / stride,
            }[kind]
            weights[name + "_value"] = np.tile(row.astype(np.float32), (1, count, 1))
            nodes.append(helper.make_node("Identity", [name + "_value"], [name]))
    return _save(path, nodes, [_value("input", [1, 3, SIDE, SIDE])], outputs, weights)


def arcface(path):
    """An ArcFace graph: RGB 112 in, 512 out; the first three numbers are the mean of each channel."""
    weights = {"axes": np.array([2, 3]), "rest": np.zeros((1, 509), np.float32)}
    nodes = [
        helper.make_node("ReduceMean", ["data", "axes"], ["means"], keepdims=0),
        helper.make_node("Concat", ["means", "rest"], ["fc1"], axis=1),
    ]
    return _save(path, nodes, [_value("data", [None, 3, 112, 112])], [_value("fc1", [1, 512])], weights)


def sface(path):
    """An SFace graph: RGB 112, 0-255, in, 128 out; the first three numbers are the mean of each channel."""
    weights = {"axes": np.array([2, 3]), "rest": np.zeros((1, 125), np.float32)}
    nodes = [
        helper.make_node("ReduceMean", ["data", "axes"], ["means"], keepdims=0),
        helper.make_node("Concat", ["means", "rest"], ["fc1"], axis=1),
    ]
    return _save(path, nodes, [_value("data", [1, 3, 112, 112])], [_value("fc1", [1, 128])], weights)


def landmarks(path):
    """A graph such as 2d106det: one 192 pixel picture in, one vector out."""
    weights = {"axes": np.array([2, 3])}
    nodes = [helper.make_node("ReduceMean", ["data", "axes"], ["fc1"], keepdims=0)]
    return _save(path, nodes, [_value("data", [None, 3, 192, 192])], [_value("fc1", [1, 3])], weights)


def _score_map(weights, bias, name="input.1"):
    nodes = [
        helper.make_node("AveragePool", [name], ["mean"], kernel_shape=[64, 64], strides=[8, 8], pads=[32, 32, 24, 24]),
        helper.make_node("Conv", ["mean", "colour", "bias"], ["raw"], kernel_shape=[1, 1]),
        helper.make_node("Clip", ["raw", "zero", "unit"], ["map"]),
    ]
    constants = {"colour": weights.reshape(1, 3, 1, 1), "bias": np.array([bias], np.float32)}
    return nodes, constants | {"zero": np.float32(0), "unit": np.float32(1)}


def _value(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _save(path, nodes, inputs, outputs, weights):
    path.parent.mkdir(parents=True, exist_ok=True)
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "synthetic", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
