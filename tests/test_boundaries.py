"""Who may import whom: the arrows of docs/architecture.md, read from the sources."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACK = "likeness"
ROOMS = ("nodes", "host", "models", "diffusers_host", "dataset", "training", "evaluation", "miniature")
PAPERS = ("uniportrait", "consistentid", "omniportrait", "facestudio")
COMFY = ("comfy", "comfy_api", "comfy_extras", "comfy_execution", "folder_paths", "server", "nodes", "execution")
# What models/ may import when it is itself imported; anything else a user may lack, so it waits inside a function.
ALWAYS_THERE = ("torch", "numpy", "einops", "safetensors")

# Room -> the other rooms it may import; tools and benchmarks may import all, and nobody imports them.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "models": (),
    "host": ("models",),
    "nodes": ("host", "models"),
    "diffusers_host": ("models",),
    "dataset": ("models",),
    "training": ("diffusers_host", "dataset", "models"),
    "evaluation": ("diffusers_host", "dataset", "models"),
    "miniature": ("training", "evaluation", "diffusers_host", "dataset", "models"),
}
# Room -> packages of others that it must not import.
BANNED: dict[str, tuple[str, ...]] = {
    "models": (*COMFY, "diffusers", "transformers"),
    "host": ("diffusers",),
    "nodes": (*(name for name in COMFY if name != "comfy_api"), "diffusers"),
}

# Room or folder -> what nothing in it may import, not even inside a function.
FORBIDDEN: dict[str, tuple[str, ...]] = {
    **{
        room: (
            *BANNED.get(room, COMFY),
            *(f"{PACK}.{other}" for other in (*ROOMS, "tools", "benchmarks") if other not in (room, *MAY_IMPORT[room])),
        )
        for room in ROOMS
    },
    "models/face": tuple(f"{PACK}.models.{paper}" for paper in PAPERS),
    "models/ip_adapter": tuple(f"{PACK}.models.{paper}" for paper in PAPERS),
    "models/adapters": tuple(f"{PACK}.models.{name}" for name in (*PAPERS, "face")),
    **{f"models/{paper}": tuple(f"{PACK}.models.{other}" for other in PAPERS if other != paper) for paper in PAPERS},
}


@dataclass(frozen=True)
class Import:
    """One imported module.

    Attributes:
        module: its absolute name; a relative import is written out with the pack's own name.
        is_relative: whether it was written with leading dots.
        at_load: whether it runs when the file is imported.
    """

    module: str
    line: int
    is_relative: bool
    at_load: bool


def read_imports(source: str, package: str) -> Iterator[Import]:
    """Find every import of a source text that belongs to a package, wherever it stands."""
    yield from _walk(ast.parse(source), package, at_load=True)


def _walk(node: ast.AST, package: str, *, at_load: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for name in child.names:
                yield Import(name.name, child.lineno, False, at_load)
        elif isinstance(child, ast.ImportFrom):
            base = _absolute(child, package)
            for name in child.names:
                yield Import(f"{base}.{name.name}", child.lineno, child.level > 0, at_load)
        else:
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            only_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            yield from _walk(child, package, at_load=at_load and not is_function and not only_types)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*parts, node.module] if node.module else parts)


def _is_within(module: str, names: Iterable[str]) -> bool:
    return any(module == name or module.startswith(name + ".") for name in names)


def _files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def _imports(file: Path) -> list[Import]:
    package = ".".join([PACK, *file.relative_to(ROOT).parent.parts])
    return list(read_imports(file.read_text(encoding="utf-8"), package))


@pytest.mark.parametrize("folder", [folder for folder in FORBIDDEN if (ROOT / folder).is_dir()])
def test_no_arrow_points_up(folder):
    wrong = [
        f"{file.relative_to(ROOT)}:{found.line} imports {found.module}"
        for file in _files(folder)
        for found in _imports(file)
        if _is_within(found.module, FORBIDDEN[folder])
    ]
    assert not wrong, "\n".join(wrong)


def test_models_load_with_what_everybody_has():
    wrong = [
        f"{file.relative_to(ROOT)}:{found.line} imports {found.module} at load"
        for file in _files("models")
        for found in _imports(file)
        if found.at_load and not found.is_relative and not _is_within(found.module, ALWAYS_THERE)
        if found.module.split(".")[0] not in sys.stdlib_module_names
    ]
    assert not wrong, "\n".join(wrong)


def test_nodes_import_only_the_node_interface_and_our_rooms():
    wrong = [
        f"{file.relative_to(ROOT)}:{found.line} imports {found.module}"
        for file in _files("nodes")
        for found in _imports(file)
        if not found.is_relative and not _is_within(found.module, ["comfy_api.latest", "torch.Tensor"])
        if found.module.split(".")[0] not in sys.stdlib_module_names
    ]
    assert not wrong, "\n".join(wrong)


def test_the_pack_never_imports_itself_by_name():
    wrong = [
        f"{file.relative_to(ROOT)}:{found.line}"
        for room in ROOMS
        for file in _files(room)
        for found in _imports(file)
        if not found.is_relative and _is_within(found.module, [PACK])
    ]
    assert not wrong, "\n".join(wrong)


def test_errors_import_nothing_of_ours():
    assert not [found for found in _imports(ROOT / "models" / "errors.py") if found.is_relative]


def test_importing_all_models_brings_no_host_and_no_optional_package():
    names = [
        ".".join([PACK, *file.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")
        for file in _files("models")
    ]
    unwanted = [
        "comfy",
        "diffusers",
        "transformers",
        "insightface",
        "onnxruntime",
        "facexlib",
        "open_clip",
        "timm",
        "scipy",
        "PIL",
        "cv2",
    ]
    code = (
        "import importlib, json, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        f"print(json.dumps([name for name in {unwanted!r} if name in sys.modules]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT.parent)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == []


@pytest.mark.parametrize(
    ("source", "module", "at_load"),
    [
        ("import comfy.samplers", "comfy.samplers", True),
        ("def f():\n    from comfy import ops", "comfy.ops", False),
        ("from ...host import lora", "likeness.host.lora", True),
        ("from ..uniportrait.adapter import Adapter", "likeness.models.uniportrait.adapter.Adapter", True),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import cv2", "cv2", False),
        ("class A:\n    try:\n        import cv2\n    except ImportError: pass", "cv2", True),
    ],
)
def test_reader_sees_imports_wherever_they_stand(source, module, at_load):
    found = {(entry.module, entry.at_load) for entry in read_imports(source, "likeness.models.face")}
    assert (module, at_load) in found


def test_a_planted_arrow_is_noticed():
    [found] = read_imports("from ..consistentid import facial_prompt", "likeness.models.uniportrait")
    assert _is_within(found.module, FORBIDDEN["models/uniportrait"])
