"""Every metric of the issue is in the kit, and importing it brings no optional package."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from likeness.evaluation.built_in import KIT
from likeness.models.errors import UnknownCheckpointError
from likeness.models.face.recognition.dlib_resnet import DlibResNet
from likeness.models.face.recognition.facenet import FaceNet
from likeness.tests.models.face import synthetic_detectors
from likeness.tests.models.face.recognition.test_ir_embedding import published
from likeness.tests.people import crop_photo

OPTIONAL = [
    "open_clip",
    "timm",
    "torchmetrics",
    "torch_fidelity",
    "ray",
    "transformers",
    "diffusers",
    "onnxruntime",
    "insightface",
    "cv2",
    "dlib",
    "face_recognition_models",
    "mtcnnruntime",
    "pyiqa",
]


def test_the_kit_has_what_the_papers_measure():
    assert set(KIT.metrics) == {
        "face_similarity",
        "blending",
        "clip_t",
        "clip_i",
        "dino",
        "fgis",
        "fid",
        "blip",
        "aesthetics",
        "iqa",
        "pyiqa",
    }
    assert {name for name, kind in KIT.metrics.items() if kind.better == "lower"} == {"fid", "blending"}
    assert {name for name, kind in KIT.metrics.items() if kind.by_recogniser} == {"face_similarity", "blending"}


def test_networks_are_read_when_asked_for():
    assert KIT.networks.recognisers["arcface"].load(Path("w600k_r50.onnx")).width == 512
    assert KIT.networks.detectors["yunet"].load(Path("yunet.onnx")).at_size(320).path == Path("yunet.onnx")
    assert KIT.networks.detectors["insightface"].load(Path("det.onnx")).at_size(320).size == 320


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file for every recogniser that needs one, in its published layout with random weights, by its word."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    torch.save(FaceNet().state_dict() | {"logits.weight": torch.zeros(3, 512)}, folder / "facenet")
    torch.save(published(), folder / "ir101")
    synthetic_detectors.arcface(folder / "arcface.onnx")
    synthetic_detectors.sface(folder / "sface.onnx")
    return {path.stem: path for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("word", "width"), [("arcface", 512), ("sface", 128), ("facenet", 512), ("ir101", 12), ("dlib", 128)]
)
def test_every_recogniser_describes_a_face(files, word, width):
    for package in ("dlib", "face_recognition_models") if word == "dlib" else ("onnxruntime", "cv2"):
        pytest.importorskip(package)
    if word == "arcface":
        pytest.importorskip("insightface")
    loader = KIT.networks.recognisers[word]
    assert bool(loader.file) == loader.takes_file == (word in files)
    recogniser = loader.load(files.get(word))
    photo = crop_photo(np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8))
    first = recogniser.vectors([photo.taken], [photo.picture])
    assert recogniser.width == width == first.shape[1]
    assert torch.equal(first, recogniser.vectors([photo.taken], [photo.picture]))
    assert recogniser.key == loader.load(files.get(word)).key


@pytest.mark.parametrize(("word", "other"), [("facenet", "ir101"), ("ir101", "facenet")])
def test_the_file_of_another_recogniser_is_told(files, word, other):
    with pytest.raises(UnknownCheckpointError, match=f'"{other}" is not a'):
        KIT.networks.recognisers[word].load(files[other])


def test_networks_of_packages_need_no_file():
    assert isinstance(KIT.networks.recognisers["dlib"].load(None), DlibResNet)  # the same that the nodes have
    if find_spec("mtcnnruntime") is not None:
        assert KIT.networks.detectors["mtcnn"].load(None).key.startswith("mtcnn ")
    assert not KIT.networks.detectors["mtcnn"].takes_file


def test_importing_the_kit_brings_no_optional_package():
    code = (
        "import json, sys; import likeness.evaluation.built_in\n"
        f"print(json.dumps([name for name in {OPTIONAL!r} if name in sys.modules]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == []
