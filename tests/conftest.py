"""Fixtures for all tests, and what must happen before the first import.

Three groups: tests without a mark need no ComfyUI; `comfy` tests need the ComfyUI that LIKENESS_COMFYUI names (`make
test` runs them once per ComfyUI, each in its own environment); `gpu` tests need CUDA.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
# The pack's own nodes/ and models/ must not shadow ComfyUI's nodes.py and models/.
sys.path[:] = [entry for entry in sys.path if Path(entry or os.getcwd()).resolve() != ROOT]
COMFYUI = os.environ.get("LIKENESS_COMFYUI")


def _prepare_comfy(folder: str) -> None:
    """Make ComfyUI importable in this process, on the CPU, writing nothing into its folder."""
    from likeness.tools.caches import write_elsewhere

    base = tempfile.mkdtemp(prefix="likeness-comfy-")
    atexit.register(shutil.rmtree, base, ignore_errors=True)
    elsewhere = write_elsewhere("tests")
    sys.pycache_prefix = elsewhere["PYTHONPYCACHEPREFIX"]
    os.environ.update(elsewhere)
    sys.path.insert(0, folder)
    import torch
    from comfy.cli_args import args

    args.cpu = not torch.cuda.is_available()
    args.base_directory = base


if COMFYUI:
    _prepare_comfy(COMFYUI)


def pytest_configure() -> None:
    """Turn a request to end into an exception, so that fixtures stop the servers they started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("asked to end"))


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave files without a host test alone where only those run: their imports take longer than many a test."""
    is_test = collection_path.is_file() and collection_path.match("test_*.py")
    if COMFYUI and is_test and "mark.comfy" not in collection_path.read_text("utf-8"):
        return True
    return None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Hand out the files that share a server to one process (only where a process gets whole files)."""
    from likeness.tests.scheduling import SharedServerScheduling

    return SharedServerScheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what takes long, and skip what this process cannot run, with the reason."""
    import torch

    for item in items:
        if "comfy_server" in getattr(item, "fixturenames", ()):  # it makes and loads full-size models
            item.add_marker(pytest.mark.long)
        if item.get_closest_marker("comfy") and not COMFYUI:
            item.add_marker(pytest.mark.skip(reason="needs ComfyUI: set LIKENESS_COMFYUI or run make test"))
        if item.get_closest_marker("gpu") and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason="needs CUDA"))


@pytest.fixture(scope="session")
def shipped_files(tmp_path_factory) -> list[str]:
    """The paths of all files of a release's archive."""
    from likeness.tests.repository import list_shipped

    if shutil.which("git") is None:
        pytest.skip("needs git, which reads .comfyignore")
    return list_shipped(tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="session")
def shipped_pack(shipped_files, tmp_path_factory) -> Path:
    """A release's archive, unpacked into a folder whose name is no Python name."""
    from likeness.tests.repository import copy_files

    target = tmp_path_factory.mktemp("custom_nodes") / "ComfyUI-X-Y"
    copy_files(shipped_files, target)
    return target


@pytest.fixture(scope="session")
def comfy_folder():
    """The ComfyUI under test (a `ComfyFolder`)."""
    from likeness.tools.comfyui.folders import ComfyFolder, read_version

    path = Path(COMFYUI or "")
    version = read_version(path)
    assert version, f"LIKENESS_COMFYUI names {path}, where there is no ComfyUI"
    return ComfyFolder(path=path, version=version)


@pytest.fixture(scope="session")
def comfy_files_before(comfy_folder) -> dict[str, tuple[int, int]]:
    """All of the ComfyUI folder as it was before the first server started: size and time of change."""
    return list_files(comfy_folder.path)


@pytest.fixture(scope="session")
def miniature_server(comfy_folder, comfy_files_before, shipped_pack, tmp_path_factory) -> Iterator[object]:
    """A running ComfyUI (a `ComfyServer`) with a release's archive and no models but the miniature's in it."""
    from likeness.tools.comfyui.server import PACK_NAME, ComfyServer

    base = tmp_path_factory.mktemp("comfyui")
    previews = ("--preview-method", "latent2rgb")
    with ComfyServer(comfy_folder, base, packs={PACK_NAME: shipped_pack}, arguments=previews) as server:
        yield server


@pytest.fixture(scope="session")
def comfy_server(comfy_folder, comfy_files_before, tmp_path_factory) -> Iterator[object]:
    """A running ComfyUI (a `ComfyServer`) with this pack and full-size random weights; tests that take it are long."""
    from likeness.tools.comfyui.server import ComfyServer
    from likeness.tools.weights.recogniser import make_recogniser
    from likeness.tools.weights.write import make_all

    models = make_all() | make_recogniser()
    with ComfyServer(comfy_folder, tmp_path_factory.mktemp("comfyui"), models=models) as server:
        yield server


def list_files(folder: Path) -> dict[str, tuple[int, int]]:
    """Give size and time of change of everything below a folder; a folder's own time tells of files made and gone."""
    found = ((path, path.lstat()) for path in folder.rglob("*"))
    return {str(path.relative_to(folder)): (status.st_size, status.st_mtime_ns) for path, status in found}
