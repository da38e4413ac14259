import pytest
from likeness.models.errors import CorruptModelFileError, MissingModelFileError
from likeness.models.weights.onnx_graph import OnnxGraph, read_graph
from likeness.tests.models.face import synthetic_detectors


@pytest.mark.parametrize(
    ("build", "role"),
    [("scrfd", "scrfd"), ("yunet", "yunet"), ("arcface", "arcface"), ("sface", "sface"), ("landmarks", "other")],
)
def test_roles(build, role, tmp_path):
    path = getattr(synthetic_detectors, build)(tmp_path / "any name.bin")
    assert read_graph(path).role == role


def test_inputs_and_outputs_are_those_that_onnx_reads(tmp_path):
    import onnx

    path = synthetic_detectors.scrfd(tmp_path / "a.onnx")
    graph, read = onnx.load(path).graph, read_graph(path)
    assert list(read.outputs) == [value.name for value in graph.output]
    assert read.inputs == {"input.1": (1, 3, None, None)}
    assert read.outputs["kps_16"] == (3200, 10)


def test_weights_listed_as_inputs_are_no_inputs(tmp_path):
    import onnx

    path = synthetic_detectors.arcface(tmp_path / "a.onnx")
    model = onnx.load(path)
    model.graph.input.append(onnx.helper.make_tensor_value_info("rest", onnx.TensorProto.FLOAT, [1, 509]))
    onnx.save(model, path)
    assert read_graph(path).role == "arcface"


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ({"a": (1, 3, 112, 112), "b": (1, 512)}, {"c": (1, 512)}),
        ({"a": (1, 3, 128, 128)}, {"c": (1, 512)}),
        ({"a": (1, 3, 112, 112)}, {"c": (1, 256)}),
        ({"a": (1, 3, None, None)}, {str(n): () for n in range(6)}),
        ({"a": ()}, {str(n): () for n in range(9)}),
    ],
)
def test_other_graphs_have_no_role(inputs, outputs):
    assert OnnxGraph(inputs, outputs).role == "other"


def test_every_truncation_is_told(tmp_path):
    whole = synthetic_detectors.yunet(tmp_path / "whole.onnx").read_bytes()
    path = tmp_path / "cut.onnx"
    for length in (1, 5, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptModelFileError, match=r'"cut\.onnx" is (truncated or )?no ONNX file'):
            read_graph(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1", "git-lfs"),
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "no ONNX file"),
        (b"\x80" * 20, "no ONNX file"),
    ],
)
def test_other_content_is_named(content, message, tmp_path):
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(CorruptModelFileError, match=message):
        read_graph(tmp_path / "a.onnx")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingModelFileError, match=r'"a\.onnx"'):
        read_graph(tmp_path / "a.onnx")
