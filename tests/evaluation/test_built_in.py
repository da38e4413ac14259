"""Every metric of the issue is in the kit, and importing it brings no optional package."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from likeness.evaluation.built_in import KIT

OPTIONAL = [
    "open_clip",
    "timm",
    "torchmetrics",
    "torch_fidelity",
    "ray",
    "transformers",
    "onnxruntime",
    "insightface",
    "cv2",
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
    }
    assert {name for name, kind in KIT.metrics.items() if kind.better == "lower"} == {"fid", "blending"}
    assert {name for name, kind in KIT.metrics.items() if kind.by_recogniser} == {"face_similarity", "blending"}


def test_networks_are_read_when_asked_for():
    assert KIT.networks.recognisers["arcface"].load(Path("w600k_r50.onnx")).width == 512
    assert KIT.networks.detectors["yunet"].load(Path("yunet.onnx")).at_size(320).path == Path("yunet.onnx")
    assert KIT.networks.detectors["insightface"].load(Path("det.onnx")).at_size(320).size == 320


def test_importing_the_kit_brings_no_optional_package():
    code = (
        "import json, sys; import likeness.evaluation.built_in\n"
        f"print(json.dumps([name for name in {OPTIONAL!r} if name in sys.modules]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == []
