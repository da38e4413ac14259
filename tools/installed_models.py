"""Which of the model files the demo needs are already installed in a ComfyUI."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from .comfy_folders import ComfyFolder
from .random_weights import BACKBONE, CHECKPOINT, CLIP_VISION, FACEID, ROUTER, WeightFile

MODEL_ENDINGS = (".safetensors", ".bin", ".pt", ".pth", ".onnx")
DETECTORS = ("det_10g.onnx", "*yunet*.onnx")  # insightface's buffalo_l, OpenCV's YuNet
HEADER_LIMIT = 100_000_000  # bytes; safetensors' own limit
Shapes = dict[str, list[int]]


def find_weights(folder: ComfyFolder) -> dict[WeightFile, Path]:
    """Find the user's SD1.5 checkpoint, UniPortrait files and CLIP vision model; what is missing is left out."""
    found = {
        CHECKPOINT: _first(folder, CHECKPOINT, lambda file: is_sd15(read_shapes(file))),
        CLIP_VISION: _first(folder, CLIP_VISION, lambda file: is_vit_h(read_shapes(file))),
    }
    for weights in (FACEID, ROUTER, BACKBONE):
        stem = Path(weights.name).stem
        found[weights] = _first(folder, weights, lambda file, stem=stem: file.stem == stem)
    return {weights: path for weights, path in found.items() if path is not None}


def find_detectors(folder: ComfyFolder) -> dict[str, Path]:
    """Find face detectors; gives "insightface/..." below `models/` and the file, as `ComfyServer(models=...)` takes."""
    found: dict[str, Path] = {}
    for root in model_folders(folder, "insightface"):
        for pattern in DETECTORS:
            for file in sorted(root.rglob(pattern)):
                found[f"insightface/{file.relative_to(root)}"] = file
    return found


def model_folders(folder: ComfyFolder, kind: str) -> Iterator[Path]:
    """Give the folders of one kind of model: below `models/`, then those of extra_model_paths.yaml."""
    if (folder.path / "models" / kind).is_dir():
        yield folder.path / "models" / kind
    settings = folder.path / "extra_model_paths.yaml"
    if not settings.is_file():
        return
    import yaml

    for section in (yaml.safe_load(settings.read_text(encoding="utf-8")) or {}).values():
        base = Path(str((section or {}).get("base_path") or folder.path)).expanduser()
        for line in str((section or {}).get(kind) or "").splitlines():
            if line.strip() and (base / line.strip()).is_dir():
                yield base / line.strip()


def read_shapes(file: Path) -> Shapes:
    """Read the keys and shapes from the header of a safetensors file; empty for any other file."""
    if file.suffix != ".safetensors":
        return {}
    with file.open("rb") as stream:
        head = stream.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
        if not 0 < length < HEADER_LIMIT:
            return {}
        try:
            header = json.loads(stream.read(length))
        except ValueError:
            return {}
    return {key: value["shape"] for key, value in header.items() if key != "__metadata__"}


def is_sd15(shapes: Shapes) -> bool:
    """Tell a Stable Diffusion 1.x checkpoint by its UNet's first cross-attention: 320 channels, 768-wide context."""
    key = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
    return shapes.get(key) == [320, 768] and shapes["model.diffusion_model.input_blocks.0.0.weight"][1] == 4


def is_vit_h(shapes: Shapes) -> bool:
    """Tell CLIP ViT-H/14's image encoder by its width and its last layer."""
    layers = "vision_model.encoder.layers"
    return shapes.get(f"{layers}.31.layer_norm1.weight") == [1280] and f"{layers}.32.layer_norm1.weight" not in shapes


def _first(folder: ComfyFolder, weights: WeightFile, fits: Callable[[Path], bool]) -> Path | None:
    for root in model_folders(folder, weights.folder):
        for file in sorted(root.rglob("*")):
            if file.suffix in MODEL_ENDINGS and file.is_file() and fits(file):
                return file
    return None
