"""Runs on one server, each made once however many cells ask for it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load_file

from ...comfyui.server import ComfyRunError, ComfyServer
from .arrangement import Order, Prompt, arrange, orders_of, renew
from .cells import Cell, Failure, Outcome, Runs, judge, sum_up
from .methods import Method
from .node import CoreNode

SECONDS = 300.0  # for one run; the longest takes a few


class Bench:
    """One ComfyUI on which methods and nodes are tried.

    Args:
        server: runs, with the files of `weights.py`.

    Attributes:
        definitions: what it answers to `/object_info`.
        count: of the runs so far.
    """

    def __init__(self, server: ComfyServer) -> None:
        self.definitions: Mapping[str, Any] = server.object_info()
        self.count = 0
        self._server = server
        self._numbers = itertools.count(1)
        self._known: dict[str, Outcome] = {}
        self._plain: dict[str, Prompt] = {}

    def cells(self, method: Method, node: CoreNode) -> list[Cell]:
        """What is to be said of a method and a node, once for each order; nothing where the node is not there."""
        if not node.is_in(self.definitions):
            return []
        return [self._cell(method, node, order) for order in orders_of(method, node)]

    def find_changed(self) -> int:
        """Run all plain graphs once more; gives how many no longer give the very latents that they gave first."""
        changed = 0
        for key, prompt in self._plain.items():
            before, now = self._known[key], self._run(prompt)
            same = isinstance(before, torch.Tensor) and isinstance(now, torch.Tensor) and torch.equal(before, now)
            changed += not same
        return changed

    def _cell(self, method: Method, node: CoreNode, order: Order) -> Cell:
        plain = arrange(self.definitions, method, node, is_method_on=False)
        both = arrange(self.definitions, method, node, order=order)
        self._plain[_key(plain)] = plain
        runs = Runs(
            plain=self._outcome(plain),
            method=self._outcome(arrange(self.definitions, method, node)),
            node=self._outcome(arrange(self.definitions, method, node, is_method_on=False, order=order)),
            both=self._outcome(both),
            again=self._run(both),
        )
        return judge(runs, keeps=node.keeps)

    def _outcome(self, prompt: Prompt) -> Outcome:
        key = _key(prompt)
        if key not in self._known:
            self._known[key] = self._run(prompt)
        return self._known[key]

    def _run(self, prompt: Prompt) -> Outcome:
        self.count += 1
        [saving] = [name for name, node in prompt.items() if node["class_type"] == "SaveLatent"]
        try:
            entry = self._server.run(renew(prompt, next(self._numbers)), SECONDS)
        except ComfyRunError as error:
            return Failure.read(str(error))
        [file] = self._server.output_files(entry, saving, "latents")
        return load_file(file)["latent_tensor"]


def say(cells: list[Cell]) -> str:
    """One field of the table: both orders, the one that there is, or that the node is not there."""
    if not cells:
        return "not there"
    return cells[0].text if len(cells) == 1 else sum_up(*cells)


def _key(prompt: Prompt) -> str:
    return json.dumps(prompt, sort_keys=True)
