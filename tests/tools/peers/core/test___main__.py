"""The command's list of nodes, its table and its exit status."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from likeness.tools.comfyui.folders import ComfyFolder
from likeness.tools.peers.core import __main__ as command
from likeness.tools.peers.core import model_nodes, prompt_nodes, sampler_nodes
from likeness.tools.peers.core.cells import Cell
from likeness.tools.peers.core.node import Place

GOOD = Cell("acts", latent=torch.zeros(1))


class Bench:
    """A stand-in that finds what a test wants."""

    count = 7
    cell = GOOD
    changed = 0

    def __init__(self, server):
        pass

    def cells(self, method, node):
        return [self.cell]

    def find_changed(self):
        return self.changed


@pytest.fixture
def run(monkeypatch):
    """Run the command with one ComfyUI that answers as a stand-in does; gives its exit status."""

    def call(*arguments, folders=1, **found):
        folder = ComfyFolder(path=Path("nowhere"), version="1.2.3")
        monkeypatch.setattr(sys, "argv", ["core", *arguments])
        monkeypatch.setattr(command, "find_comfy_folders", lambda: [folder] * folders)
        monkeypatch.setattr(command, "ComfyServer", lambda *_, **__: nullcontext())
        monkeypatch.setattr(command, "Bench", type("Found", (Bench,), found))
        return command.main()

    return call


def test_no_two_rows_have_one_name():
    rows = [*model_nodes.NODES, *prompt_nodes.NODES, *sampler_nodes.NODES]
    assert len(command.NODES) == len(rows)
    assert {node.place for node in rows} == set(Place)


def test_the_table_has_a_row_for_each_node_and_a_column_for_each_method(run, capsys):
    assert run("--methods", "uniportrait", "consistentid", "--nodes", "FreeU", "HyperTile") == 0
    shown = capsys.readouterr().out
    assert "## ComfyUI 1.2.3" in shown
    assert "| node | uniportrait | consistentid |\n| --- | --- | --- |" in shown
    assert "| `FreeU` | acts | acts |\n| `HyperTile` | acts | acts |" in shown
    assert "4 cells in 7 runs, 0 faults; the plain model is as it was" in shown


@pytest.mark.parametrize("found", [{"cell": Cell("FAULT: x", True)}, {"changed": 1}])
def test_a_fault_fails_the_command(run, capsys, found):
    assert run("--methods", "uniportrait", "--nodes", "FreeU", **found) == 1
    assert "FAULT" in capsys.readouterr().out


def test_without_comfyui_there_is_nothing_to_do(run, capsys):
    assert run(folders=0) == 2
    assert "needs ComfyUI" in capsys.readouterr().out


def test_a_bar_in_a_sentence_ends_no_field():
    assert command.row("a|b", "c").count("|") == 3
