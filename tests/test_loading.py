"""A release's archive loads as ComfyUI loads it: from a folder with a hyphen, without optional packages, disturbing nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
OPTIONAL = (
    "insightface",
    "onnxruntime",
    "onnx",
    "facexlib",
    "open_clip",
    "timm",
    "cv2",
    "diffusers",
    "accelerate",
    "peft",
)

# Stands before all other finders and makes optional packages look as if they were not installed.
BLOCKER = """
import sys
class Blocker:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        return None if name.split(".")[0] in OPTIONAL else self.finder.find_spec(name, path, target)
sys.meta_path[:] = [Blocker(finder) for finder in sys.meta_path]
"""

LOAD_ALONE = """
import importlib.util, inspect, json
before = list(sys.path)
name = sys.argv[1].replace(".", "_x_")
spec = importlib.util.spec_from_file_location(
    name, sys.argv[1] + "/__init__.py", submodule_search_locations=[sys.argv[1]]
)
module = importlib.util.module_from_spec(spec)
sys.modules[name] = module
spec.loader.exec_module(module)
print(json.dumps({
    "entry": inspect.iscoroutinefunction(module.comfy_entrypoint),
    "web": module.WEB_DIRECTORY,
    "v1": hasattr(module, "NODE_CLASS_MAPPINGS"),
    "torch": "torch" in sys.modules,
    "same_path": sys.path == before,
}))
"""

LOAD_IN_COMFYUI = """
import asyncio, json
sys.path.insert(0, sys.argv[2])
from comfy.cli_args import args
args.cpu, args.base_directory = True, sys.argv[3]
import nodes
before, path = set(nodes.NODE_CLASS_MAPPINGS), list(sys.path)
loaded = asyncio.run(nodes.load_custom_node(sys.argv[1]))
found = sorted(set(nodes.NODE_CLASS_MAPPINGS) - before)
schemas = {name: nodes.NODE_CLASS_MAPPINGS[name].GET_SCHEMA() for name in found}
print(json.dumps({
    "loaded": loaded,
    "nodes": found,
    "categories": sorted({schema.category for schema in schemas.values()}),
    "without_tooltip": [f"{name}.{socket.id}" for name, schema in schemas.items() for socket in schema.inputs
                        if not socket.tooltip],
    "same_path": sys.path == path,
    "same_nodes": sys.modules["nodes"] is nodes,
    "blocked": [name for name in OPTIONAL if name in sys.modules],
}))
"""


def _run(code: str, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-c", f"OPTIONAL = {OPTIONAL!r}\n{BLOCKER}{code}", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(arguments[0]).parent)
    assert run.returncode == 0, run.stderr[-4000:]
    return json.loads(run.stdout.strip().splitlines()[-1])


def documented_ids() -> set[str]:
    """The node ids that stand in the first column of docs/nodes.md."""
    return set(
        re.findall(r"^\| `(Likeness\w+)` \|", (ROOT / "docs" / "nodes.md").read_text(encoding="utf-8"), re.MULTILINE)
    )


def test_loads_without_comfyui_and_without_torch(shipped_pack):
    assert _run(LOAD_ALONE, str(shipped_pack)) == {
        "entry": True,
        "web": "./web",
        "v1": False,
        "torch": False,
        "same_path": True,
    }


@pytest.fixture(scope="module")
def loaded(shipped_pack, comfy_folder, tmp_path_factory) -> dict[str, Any]:
    base = tmp_path_factory.mktemp("base")
    return _run(LOAD_IN_COMFYUI, str(shipped_pack), str(comfy_folder.path), str(base))


@pytest.mark.comfy
def test_comfyui_loads_it_without_optional_packages(loaded):
    assert loaded["loaded"]
    assert loaded["blocked"] == []


@pytest.mark.comfy
def test_all_documented_nodes_are_there_and_no_other(loaded):
    assert set(loaded["nodes"]) == documented_ids()
    assert all(category.startswith("Likeness/") for category in loaded["categories"])


@pytest.mark.comfy
def test_every_input_has_a_tooltip(loaded):
    assert loaded["without_tooltip"] == []


@pytest.mark.comfy
def test_loading_disturbs_neither_the_path_nor_comfyuis_modules(loaded):
    assert loaded["same_path"]
    assert loaded["same_nodes"]
