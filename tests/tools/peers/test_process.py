"""The command that runs a program inside a ComfyUI, and packs that are imported by their path."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from likeness.tools.comfyui.folders import ComfyFolder
from likeness.tools.peers import process
from likeness.tools.peers.process import load_pack, start


@pytest.mark.parametrize("status", [0, 1, 2])
def test_a_program_runs_with_the_comfyui_s_own_python_and_is_told_its_folder(status, monkeypatch):
    ran = []

    def run(command, **options):
        ran.append((command, options["env"]))
        return subprocess.CompletedProcess(command, status)

    monkeypatch.setattr(process.subprocess, "run", run)
    folder = ComfyFolder(path=Path("/comfy"), version="9.1")
    assert start(folder, "narrow", "PuLID", Path("/packs/pulid")) == (status != 0)
    ((command, variables),) = ran
    assert command == [str(folder.python), "-m", "likeness.tools.peers.narrow", "/comfy", "PuLID", "/packs/pulid"]
    assert "PYTHONPYCACHEPREFIX" in variables


def test_a_pack_is_imported_by_its_path_with_what_lies_beside_it(tmp_path, monkeypatch):
    folder = tmp_path / "Some-Pack"
    folder.mkdir()
    (folder / "__init__.py").write_text("from .code import VALUE\n")
    (folder / "code.py").write_text("VALUE = 7\n")
    for name in ("Some_Pack", "Some_Pack.code"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert load_pack(folder).VALUE == 7
    assert sys.modules["Some_Pack.code"].VALUE == 7
