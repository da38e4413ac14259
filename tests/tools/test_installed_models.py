import json
import struct
from pathlib import Path

import pytest
from likeness.tools.comfy_folders import ComfyFolder
from likeness.tools.installed_models import find_detectors, find_weights, read_shapes
from likeness.tools.random_weights import CHECKPOINT, CLIP_VISION, FACEID

CONTEXT = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
FIRST = "model.diffusion_model.input_blocks.0.0.weight"
SD15 = {CONTEXT: [320, 768], FIRST: [320, 4, 3, 3]}
INPAINT = {CONTEXT: [320, 768], FIRST: [320, 9, 3, 3]}
LAYER = "vision_model.encoder.layers.{}.layer_norm1.weight"


@pytest.fixture
def folder(tmp_path) -> ComfyFolder:
    return ComfyFolder(path=tmp_path, version="1.0.0")


def write_header(file: Path, shapes: dict[str, list[int]]) -> Path:
    """A safetensors file of which only the header is there; nothing else is read."""
    header = json.dumps(
        {key: {"dtype": "F16", "shape": shape, "data_offsets": [0, 0]} for key, shape in shapes.items()}
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(struct.pack("<Q", len(header)) + header.encode())
    return file


def test_an_sd15_checkpoint_is_told_by_its_shapes(folder):
    models = folder.path / "models" / "checkpoints"
    write_header(models / "a-sdxl.safetensors", {CONTEXT: [320, 2048], FIRST: [320, 4, 3, 3]})
    write_header(models / "b-inpaint.safetensors", INPAINT)
    (models / "c-broken.safetensors").write_bytes(b"<html>")
    wanted = write_header(models / "deeper" / "z.safetensors", SD15)
    assert find_weights(folder) == {CHECKPOINT: wanted}


def test_vit_h_is_told_from_larger_towers(folder):
    models = folder.path / "models" / "clip_vision"
    write_header(models / "a-big.safetensors", {LAYER.format(31): [1280], LAYER.format(32): [1280]})
    wanted = write_header(models / "h.safetensors", {LAYER.format(31): [1280]})
    assert find_weights(folder) == {CLIP_VISION: wanted}


def test_adapter_files_are_found_in_any_format_and_in_extra_folders(folder):
    extra = folder.path / "shared" / "ids"
    extra.mkdir(parents=True)
    wanted = extra / "uniportrait-faceid_sd15.safetensors"
    wanted.touch()
    settings = f"mine:\n  base_path: {folder.path / 'shared'}\n  uniportrait: |\n    missing\n    ids\n"
    (folder.path / "extra_model_paths.yaml").write_text(settings)
    assert find_weights(folder) == {FACEID: wanted}


def test_detectors_keep_their_place_below_their_folder(folder):
    assert find_detectors(folder) == {}
    file = folder.path / "models" / "insightface" / "models" / "buffalo_l" / "det_10g.onnx"
    file.parent.mkdir(parents=True)
    file.touch()
    assert find_detectors(folder) == {"insightface/models/buffalo_l/det_10g.onnx": file}


@pytest.mark.parametrize("content", [b"", b"\x00", b"<html>not weights</html>", struct.pack("<Q", 5) + b"{bad}"])
def test_what_is_no_safetensors_file_has_no_shapes(tmp_path, content):
    file = tmp_path / "x.safetensors"
    file.write_bytes(content)
    assert read_shapes(file) == {}
