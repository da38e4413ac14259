"""The miniature's workflows under ComfyUI's own flags for attention, over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = [pytest.mark.comfy, pytest.mark.long]

FOLDER = Path(__file__).resolve().parents[1] / "workflows" / "api"
NAMES = ("1 Try without download - two people", "4 Try without download - guidance")
FLAGS = {  # and what ComfyUI says to it; on the CPU the default is sub-quadratic
    "--use-split-cross-attention": "Using split optimization for attention",
    "--use-pytorch-cross-attention": "Using pytorch attention",
}
ALIKE = 0.01  # grey levels by which a picture may differ from that without the flag, on average over its pixels


def pictures(server, name):
    """Four pictures of a workflow, (4, H, W, 3) float32, 0–255."""
    prompt = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    entry = server.run(prompt)
    [saved] = [number for number, node in prompt.items() if node["class_type"] == "SaveImage"]
    return np.stack([np.asarray(Image.open(file)) for file in server.output_files(entry, saved)]).astype(np.float32)


@pytest.fixture(scope="module")
def plain(miniature_server):
    return {name: pictures(miniature_server, name) for name in NAMES}


@pytest.mark.parametrize("flag", FLAGS)
def test_the_same_people_are_drawn(flag, plain, comfy_folder, shipped_pack, tmp_path):
    from likeness.tools.comfyui.server import PACK_NAME, ComfyServer

    with ComfyServer(comfy_folder, tmp_path, packs={PACK_NAME: shipped_pack}, arguments=[flag]) as server:
        found = {name: float(np.abs(pictures(server, name) - plain[name]).mean()) for name in NAMES}
    assert max(found.values()) <= ALIKE, found
    assert FLAGS[flag] in server.log_file.read_text("utf-8")
