"""FaceStudio's workflows."""

from __future__ import annotations

from collections.abc import Mapping

from ..workflow import Workflow
from . import groups, portraits, sweeps

WORKFLOWS: Mapping[str, Workflow] = {
    name: each for shelf in (portraits, sweeps, groups) for name, each in shelf.WORKFLOWS.items()
}
