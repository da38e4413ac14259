"""The methods of the pack. Each has a wing of this name in the rooms that it needs, and a wing states what is in it.

| room | what a wing states |
|---|---|
| `models/<method>/checkpoint.py` | `FILES`, signatures of its weights, and `FOLDERS`, where users keep them |
| `nodes/<method>/` | `NODES` |
| `training/<method>/assembly.py` | `METHODS`, its training methods with their configurations |
| `tools/workflows/<method>.py` | `WORKFLOWS` |
| `evaluation/hosts/diffusers/<method>/` | `METHOD`, how it draws in the evaluation kit |
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

METHODS = ("uniportrait", "consistentid", "omniportrait", "ip_adapter", "facestudio")


def wings(package: str | None, module: str = "") -> list[ModuleType]:
    """Import the wings of all methods in a room, in the order of the methods; a method may have none there.

    Args:
        package: of the room, its `__package__`.
        module: inside a wing; empty for the wing itself.
    """
    names = (f".{method}" for method in METHODS)
    found = (name for name in names if find_spec(name, package))
    paths = (f"{name}.{module}" if module else name for name in found)
    return [import_module(path, package) for path in paths if find_spec(path, package)]
