import os
import sys
from types import ModuleType

import pytest
from likeness.models.clip import inputs
from likeness.models.errors import CorruptModelFileError, MissingModelFileError, MissingPackageError
from likeness.models.face import sessions
from likeness.models.face.alignment import opencv
from likeness.models.face.parsing import new_bisenet
from likeness.models.face.sessions import CPU, CUDA, SessionCache, load_insightface, providers


def lend(cache, path, provider=CPU):
    with cache.lend(path, provider, object) as session:
        return session


def test_a_session_is_kept_until_its_file_changes(tmp_path):
    cache, path = SessionCache(4), tmp_path / "a.onnx"
    path.write_bytes(b"1")
    first = lend(cache, path)
    assert lend(cache, path) is first
    assert lend(cache, path, CUDA) is not first
    os.utime(path, ns=(1, 1))
    assert lend(cache, path) is not first


def test_only_the_last_few_are_kept(tmp_path):
    cache, paths = SessionCache(2), [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_bytes(b"1")
    first = lend(cache, paths[0])
    lend(cache, paths[1])
    assert lend(cache, paths[0]) is first
    lend(cache, paths[2])
    assert len(cache) == 2
    assert lend(cache, paths[0]) is first


def test_a_session_that_fails_to_load_is_not_kept(tmp_path):
    cache, path = SessionCache(2), tmp_path / "a.onnx"
    path.write_bytes(b"1")

    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"), cache.lend(path, CPU, fail):
        pass
    assert lend(cache, path) is not None


def test_a_file_that_vanished_is_named(tmp_path):
    with pytest.raises(MissingModelFileError, match=r'"a\.onnx" is no longer in'):
        lend(SessionCache(1), tmp_path / "a.onnx")


@pytest.mark.parametrize(
    ("reported", "expected"),
    [([CPU], [CPU]), (["TensorrtExecutionProvider", CUDA, CPU], [CUDA, CPU]), (["AzureExecutionProvider", CPU], [CPU])],
)
def test_cuda_is_asked_for_only_where_it_is_reported(reported, expected, monkeypatch):
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: reported)
    assert providers() == expected


def test_a_provider_that_fails_gives_way_to_the_cpu(detector_files, monkeypatch, caplog):
    from insightface.model_zoo import model_zoo

    real, asked = model_zoo.get_model, []

    def get_model(path, providers):
        asked.append(providers)
        if CUDA in providers:
            raise RuntimeError("libcublas.so is missing")
        return real(path, providers=providers)

    monkeypatch.setattr(model_zoo, "get_model", get_model)
    assert load_insightface(detector_files["scrfd"], [CUDA, CPU]).taskname == "detection"
    assert asked == [[CUDA, CPU], [CPU]]
    assert "libcublas.so is missing" in caplog.text


def test_a_file_that_no_provider_loads_is_named(tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(b"\x08\x07nonsense")
    with pytest.raises(CorruptModelFileError, match=r'"a\.onnx" cannot be loaded'):
        load_insightface(path, [CPU])


def test_a_missing_onnxruntime_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingPackageError, match="pip install onnxruntime"):
        sessions.providers()


@pytest.mark.parametrize("ask", [sessions.providers, sessions.import_insightface])
def test_an_onnxruntime_of_which_nothing_is_left_is_named_and_not_insightface(monkeypatch, ask):
    """What `pip uninstall onnxruntime-gpu` leaves where onnxruntime was installed beside it."""
    monkeypatch.setitem(sys.modules, "onnxruntime", ModuleType("onnxruntime"))
    with pytest.raises(
        MissingPackageError, match=r"needs the package onnxruntime, .*is empty .*pip install onnxruntime"
    ):
        ask()


@pytest.mark.parametrize("name", ["cv2", "facexlib", "open_clip"])
def test_every_other_package_of_which_nothing_is_left_is_named_too(monkeypatch, name):
    for loaded in [each for each in sys.modules if each.split(".")[0] == name]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, name, ModuleType(name))

    ask = {"cv2": opencv, "facexlib": new_bisenet, "open_clip": lambda: inputs.text_ids("a")}[name]
    inputs._tokenizer.cache_clear()
    with pytest.raises(MissingPackageError, match="is empty"):
        ask()
