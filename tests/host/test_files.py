import gc
import os
import weakref

import pytest
from likeness.models.errors import MissingModelFileError
from likeness.tests.models.face import synthetic_detectors

pytestmark = pytest.mark.comfy


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """ComfyUI's folder_paths, looking at an empty models folder and knowing none of our names."""
    import folder_paths

    known = {name: value for name, value in folder_paths.folder_names_and_paths.items() if name == "checkpoints"}
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", known)
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})
    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path / "models"))
    return folder_paths


def put(path, content=b"weights"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_registering_is_idempotent_and_keeps_earlier_paths(folders, tmp_path):
    from likeness.host.files import WEIGHTS_FOLDERS, register_folders

    elsewhere = str(tmp_path / "elsewhere")
    folders.add_model_folder_path("uniportrait", elsewhere)
    register_folders()
    once = {name: (list(paths), set(known)) for name, (paths, known) in folders.folder_names_and_paths.items()}
    register_folders()
    assert once == {name: (list(paths), set(known)) for name, (paths, known) in folders.folder_names_and_paths.items()}
    assert folders.get_folder_paths("uniportrait") == [elsewhere, str(tmp_path / "models" / "uniportrait")]
    papers = {"uniportrait", "consistentid", "omniportrait", "facestudio"}
    assert set(WEIGHTS_FOLDERS) == papers | {"ipadapter", "face_parsing", "dino", "prior"}
    for name in WEIGHTS_FOLDERS:
        assert folders.folder_names_and_paths[name][1] == folders.supported_pt_extensions
    assert folders.folder_names_and_paths["face_detection"][1] == {".onnx"}
    assert folders.folder_names_and_paths["identities"][1] == {".safetensors"}


def test_registering_leaves_another_packs_extensions_alone(folders, tmp_path):
    from likeness.host.files import register_folders

    extensions = {".weird"}
    folders.folder_names_and_paths["ipadapter"] = ([str(tmp_path)], extensions)
    register_folders()
    assert ".weird" in folders.folder_names_and_paths["ipadapter"][1]
    assert extensions == {".weird"}
    assert folders.supported_pt_extensions.isdisjoint({".weird", ".onnx"})


def test_files_are_listed_and_found_in_every_folder(folders, tmp_path):
    from likeness.host.files import list_files, register_folders, resolve

    folders.add_model_folder_path("uniportrait", str(tmp_path / "elsewhere"))
    register_folders()
    here = put(tmp_path / "models" / "uniportrait" / "sub" / "a.bin")
    there = put(tmp_path / "elsewhere" / "b.safetensors")
    put(tmp_path / "models" / "uniportrait" / "readme.txt")
    names = list_files("uniportrait")
    assert names == [os.path.join("sub", "a.bin"), "b.safetensors"] or sorted(names) == sorted(
        [os.path.join("sub", "a.bin"), "b.safetensors"]
    )
    assert resolve("uniportrait", os.path.join("sub", "a.bin")) == here
    assert resolve("uniportrait", "b.safetensors") == there


def test_unknown_folders_are_empty(folders):
    from likeness.host.files import list_files

    assert list_files("uniportrait") == []


def test_a_missing_file_names_folders_and_near_misses(folders, tmp_path):
    from likeness.host.files import register_folders, resolve

    register_folders()
    with pytest.raises(MissingModelFileError, match="There is no file yet"):
        resolve("uniportrait", "a.bin")
    put(tmp_path / "models" / "uniportrait" / "uniportrait-faceid_sd15 (1).bin")
    with pytest.raises(MissingModelFileError) as caught:
        resolve("uniportrait", "uniportrait-faceid_sd15.bin")
    for text in ('"uniportrait-faceid_sd15.bin"', str(tmp_path / "models" / "uniportrait"), "faceid_sd15 (1).bin"):
        assert text in str(caught.value)
    with pytest.raises(MissingModelFileError, match="No file is chosen for uniportrait"):
        resolve("uniportrait", "")


def test_a_name_cannot_leave_its_folder(folders, tmp_path):
    from likeness.host.files import register_folders, resolve

    register_folders()
    put(tmp_path / "models" / "secret.bin")
    put(tmp_path / "models" / "uniportrait" / "a.bin")
    with pytest.raises(MissingModelFileError):
        resolve("uniportrait", "../secret.bin")


def test_detectors_are_found_nested_linked_and_under_any_name(folders, tmp_path):
    from likeness.host.face_files import detector_files
    from likeness.host.files import register_folders

    register_folders()
    assert detector_files().scrfd is None
    nested = tmp_path / "models" / "insightface" / "models" / "antelopev2" / "antelopev2"
    scrfd = synthetic_detectors.scrfd(nested / "whatever.onnx")
    synthetic_detectors.landmarks(nested / "det_10g.onnx")
    put(nested / "page.onnx", b"<!doctype html>")
    (nested / "back").symlink_to(tmp_path / "models" / "insightface", target_is_directory=True)
    kept = synthetic_detectors.yunet(tmp_path / "kept" / "any name.onnx")
    (tmp_path / "models" / "face_detection").symlink_to(kept.parent, target_is_directory=True)
    files = detector_files()
    assert files.scrfd == scrfd
    assert files.yunet is not None
    assert files.yunet.resolve() == kept
    assert len(files.faults) == 1
    assert dict(files.folders)["yunet"] == str(tmp_path / "models" / "face_detection")
    assert dict(files.folders)["insightface"] == str(tmp_path / "models" / "insightface")


def test_extra_insightface_paths_are_searched(folders, tmp_path):
    from likeness.host.face_files import detector_files

    folders.add_model_folder_path("insightface", str(tmp_path / "extra"))
    scrfd = synthetic_detectors.scrfd(tmp_path / "extra" / "buffalo_l" / "det.onnx")
    yunet = synthetic_detectors.yunet(tmp_path / "models" / "insightface" / "y.onnx")
    assert detector_files().scrfd == scrfd
    assert detector_files().yunet == yunet


@pytest.mark.parametrize(("choice", "folder"), [("insightface", "insightface"), ("yunet", "face_detection")])
def test_without_its_file_a_detector_s_message_names_the_real_folder(folders, tmp_path, choice, folder):
    from likeness.host.encoders.detector import choose_detector

    with pytest.raises(MissingModelFileError) as caught:
        choose_detector(choice)
    assert str(tmp_path / "models" / folder) in str(caught.value)


class Read:
    """What is made of a file."""

    def __init__(self, path):
        self.content = path.read_bytes()


@pytest.fixture
def read(tmp_path):
    from likeness.host.files import load_once

    path = put(tmp_path / "a.bin")
    return path, lambda kind="weights", at=path: load_once(at, kind, lambda: Read(at))


def test_a_file_is_read_once_while_somebody_has_what_was_made_of_it(read, tmp_path):
    path, load = read
    first = load()
    assert load() is first
    (tmp_path / "link.bin").symlink_to(path)
    assert load(at=tmp_path / "link.bin") is first, "the same file by another name"
    assert load(kind="words") is not first, "another kind of thing is made of it"


def test_a_file_is_read_again_once_nobody_has_what_was_made_of_it(read):
    _, load = read
    reads = weakref.ref(load())
    gc.collect()
    assert reads() is None, "nothing is held for nobody"
    assert load().content == b"weights"


@pytest.mark.parametrize("content", [b"longer weights", b"WEIGHTS"])
def test_a_file_that_changed_is_another_file(read, content):
    path, load = read
    first, before = load(), path.stat().st_mtime_ns
    path.write_bytes(content)
    os.utime(path, ns=(before, before + 1_000_000))
    assert load() is not first
    assert load(kind="again").content == content


def test_a_file_that_cannot_be_read_is_tried_again(tmp_path):
    from likeness.host.files import load_once

    path = put(tmp_path / "a.bin")
    with pytest.raises(ZeroDivisionError):
        load_once(path, "weights", lambda: 1 / 0)
    assert load_once(path, "weights", lambda: Read(path)).content == b"weights"


def test_recognisers_are_listed_by_pack_and_auto_takes_the_published_one_alone(folders, tmp_path):
    from likeness.host.face_files import list_recognisers, recogniser_file

    packs = tmp_path / "models" / "insightface" / "models"
    other = put(packs / "antelopev2" / "glintr100.onnx")
    assert recogniser_file("auto", "w600k_r50") is None
    wanted = put(packs / "buffalo_l" / "w600k_r50.onnx")
    assert list_recognisers() == ["antelopev2/glintr100.onnx", "buffalo_l/w600k_r50.onnx"]
    assert recogniser_file("auto", "w600k_r50") == wanted
    assert recogniser_file("antelopev2/glintr100.onnx", "w600k_r50") == other
    with pytest.raises(MissingModelFileError, match=r'"w600k_r50\.onnx" was not found'):
        recogniser_file("w600k_r50.onnx", "w600k_r50")
