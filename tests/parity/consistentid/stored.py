"""Reading a stored ConsistentID case: from the full folder of cases, or from the reduced files beside this one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from likeness.tests.parity.folder import Folder
from torch import Tensor

HERE = Path(__file__).parent
EXACT = {"atol": 0.0, "rtol": 0.0}
MODULE = {"atol": 2e-5, "rtol": 1e-4}
LOSS = {"atol": 1e-8, "rtol": 1e-4}  # losses of 1e-4 would pass any absolute tolerance of modules
LATENTS = {"atol": 1e-3, "rtol": 0.0}


@dataclass(frozen=True)
class Stored:
    """One stored case.

    Attributes:
        about: what the reference run noted.
        tensors: inputs and expected outputs.
    """

    about: dict[str, Any]
    tensors: dict[str, Tensor]

    @classmethod
    def read(cls, folder: Folder, name: str) -> Stored:
        """Read a case such as "proj/tiny"."""
        about = json.loads((folder.path / "INDEX.json").read_text(encoding="utf-8"))["cases"][name].get("meta") or {}
        return cls(about, folder.read(name))

    def thinned(self, rows: Tensor) -> Tensor:
        """The rows (B, L, C) that a reduced case kept: every n-th."""
        return rows[:, :: self.about.get("step", 1)]
