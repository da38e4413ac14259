"""The command `make demo`: who draws, and what it says where something is missing."""

from __future__ import annotations

import signal
import sys
from functools import partial

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.studio import studio
from likeness.tests.tools.demo.seen import greys
from likeness.tools.comfyui.folders import REPOSITORY, ComfyFolder
from likeness.tools.demo import command as demo
from likeness.tools.demo import report
from likeness.tools.demo.scene import ARMS, Scene


@pytest.fixture
def command(monkeypatch, tmp_path):
    """A function that runs the command with arguments and gives its exit code; writes into `tmp_path`."""
    monkeypatch.setattr(demo, "REPOSITORY", tmp_path)
    monkeypatch.setattr(demo, "GRID", tmp_path / "output" / "demo.png")
    monkeypatch.setattr(demo, "Scene", partial(Scene, pictures=2, steps=1))
    monkeypatch.setattr(demo, "find_comfy_folders", list)
    monkeypatch.setattr(report, "TRUE_PICTURES", 2)
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["demo", *map(str, arguments)])
        return demo.main()

    yield run
    signal.signal(signal.SIGTERM, before)


def test_without_comfyui_the_demo_says_so_in_one_line_and_draws_all_the_same(command, small, tmp_path, capsys):
    assert command() == 0
    said = capsys.readouterr().out
    [line] = [each for each in said.splitlines() if "ComfyUI" in each]
    assert "COMFYUI_PATH" in line
    assert "diffusers" in line
    assert all(arm.title in said for arm in ARMS)
    assert "saved output/demo.png" in said
    (tmp_path / "output" / "demo.png").unlink()
    portraits = [REPOSITORY / "workflows" / "portraits" / f"miniature-person-{number}.png" for number in (2, 1)]
    assert command("--photos", *portraits, "--prompt", "a girl and a girl") == 0
    assert "demo: a girl and a girl" in capsys.readouterr().out
    assert (tmp_path / "output" / "demo.png").is_file()


def test_the_newest_comfyui_draws_where_there_is_one(command, small, monkeypatch, tmp_path, capsys):
    found = [ComfyFolder(path=tmp_path / version, version=version) for version in ("9.1", "8.7")]
    used = []

    def draw(scene, folder):
        used.append(folder)
        return greys((1, 2, 3, 4)), torch.zeros(2, 9, 8, 3)

    monkeypatch.setattr(demo, "find_comfy_folders", lambda: found)
    monkeypatch.setattr(demo, "draw_in_comfy", draw)
    assert command() == 0
    assert used == found[:1]
    assert f"ComfyUI 9.1, {tmp_path / '9.1'}" in capsys.readouterr().out


@pytest.mark.parametrize("missing", ["judge", "base"])
def test_without_weights_the_demo_ends_with_one_line(command, small, monkeypatch, tmp_path, capsys, missing):
    where, name = (demo, "JUDGE") if missing == "judge" else (studio, "BASE")
    monkeypatch.setattr(where, name, tmp_path / f"{missing}.safetensors")
    assert command() == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("demo: ")
    assert f"{missing}.safetensors" in line


def test_a_file_that_is_no_picture_ends_the_demo_with_one_line(command, small, tmp_path, capsys):
    (tmp_path / "a.png").write_text("no picture")
    assert command("--photos", tmp_path / "a.png", tmp_path / "b.png") == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "a.png" in line
