"""The stand-in is told apart, loaded and run as the published recogniser is."""

import numpy as np
import pytest
from likeness.models.weights.onnx_graph import read_graph
from likeness.tools.portraits import drawing
from likeness.tools.weights.recogniser import PATH, make_recogniser


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIKENESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        return make_recogniser()[PATH]


def test_the_graph_counts_as_a_recogniser(file):
    assert read_graph(file).role == "arcface"
    assert file.name == "w600k_r50.onnx"


def test_insightface_loads_it_and_its_vector_follows_the_picture(file):
    from insightface.model_zoo import get_model

    recogniser = get_model(str(file), providers=["CPUExecutionProvider"])
    assert recogniser.taskname == "recognition"
    assert recogniser.input_size == (112, 112)
    crops = [np.asarray(drawing(seed).picture.resize((112, 112))) for seed in (1, 2)]
    first, second = (np.ravel(recogniser.get_feat(crop)) for crop in crops)
    assert first.shape == (512,)
    assert np.isfinite(first).all()
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    assert cosine < 0.9
    assert (np.ravel(recogniser.get_feat(crops[0])) == first).all()


def test_it_is_made_once_and_always_alike(tmp_path, monkeypatch, file):
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path))
    made = make_recogniser()[PATH]
    changed = made.stat().st_mtime_ns
    assert make_recogniser()[PATH].stat().st_mtime_ns == changed
    assert made.read_bytes() == file.read_bytes()
    assert [path.name for path in tmp_path.rglob("*.*")] == ["w600k_r50.onnx"]
