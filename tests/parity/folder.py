"""A folder of stored cases: what lies in it, and which of its values our code was compared with."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar, overload

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

VARIABLE = "PARITY_PATH"  # names the folder that holds a folder of full cases for each method
Default = TypeVar("Default")


class Asked(dict[str, Tensor]):
    """The tensors of a case, which notes the names that it is asked for.

    Args:
        tensors: by name.
        names: takes what is asked for.
    """

    def __init__(self, tensors: Mapping[str, Tensor], names: set[str]):
        super().__init__(tensors)
        self._names = names

    def __getitem__(self, name: str) -> Tensor:
        self._names.add(name)
        return super().__getitem__(name)

    @overload
    def get(self, name: str, default: None = None, /) -> Tensor | None: ...
    @overload
    def get(self, name: str, default: Tensor | Default, /) -> Tensor | Default: ...
    def get(self, name: str, default: object = None, /) -> object:
        """The tensor, if there is one."""
        self._names.add(name)
        return super().get(name, default)


class Folder:
    """Cases of one method, full (`cases/<group>/<case>.safetensors`) or flat (`<group>_<case>.safetensors` or `.npz`).

    Args:
        path: where they lie; `INDEX.json`, where there is one, lists them too.
    """

    def __init__(self, path: Path):
        self.path = path
        self._asked: dict[str, set[str]] = {}

    def read(self, name: str) -> Asked:
        """The tensors of a case such as "proj/tiny"; the lists of names in an `.npz` are left out."""
        return Asked(_load(self.file(name)), self._asked.setdefault(flat(name), set()))

    def file(self, name: str) -> Path:
        """Where a case lies.

        Raises:
            FileNotFoundError: if there is no such case.
        """
        for found in self._files():
            if self._name(found) == flat(name):
                return found
        raise FileNotFoundError(f"{self.path} has no case {name}.")

    def names(self) -> list[str]:
        """All cases, in the flat form of their names."""
        index = self.path / "INDEX.json"
        listed = json.loads(index.read_text(encoding="utf-8"))["cases"] if index.exists() else ()
        return sorted({self._name(file) for file in self._files()} | {flat(name) for name in listed})

    def not_compared(self) -> Iterator[str]:
        """Expected values that nothing asked for, "case tensor" each; of a case that nothing read, the case alone."""
        for name in self.names():
            if name not in self._asked:
                yield name
            else:
                yield from (f"{name} {key}" for key in self._expected(name) if key not in self._asked[name])

    def _expected(self, name: str) -> list[str]:
        return sorted(key for key in _load(self.file(name)) if "in" not in key.split("."))

    def _files(self) -> Iterable[Path]:
        full = self.path / "cases"
        return (
            full.rglob("*.safetensors")
            if full.is_dir()
            else (*self.path.glob("*.npz"), *self.path.glob("*.safetensors"))
        )

    def _name(self, file: Path) -> str:
        full = self.path / "cases"
        return flat(
            (file.relative_to(full) if full.is_dir() else file.relative_to(self.path)).with_suffix("").as_posix()
        )


def flat(name: str) -> str:
    """The name of a case as a file name: "proj_tiny" for "proj/tiny"."""
    return name.replace("/", "_")


def folder_of(method: str, reduced: Path) -> Folder:
    """The full cases of a method where the variable names them, else the reduced ones.

    Args:
        method: name of the folder of full cases.
        reduced: where the reduced ones lie.
    """
    full = os.environ.get(VARIABLE)
    return Folder(Path(full) / method if full else reduced)


def explained(lines: Iterable[str], reasons: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Each line with the reason of the first pattern that it fits as a whole; None where none fits."""
    for line in lines:
        yield line, next((reason for pattern, reason in reasons.items() if re.fullmatch(pattern, line)), None)


def _load(file: Path) -> dict[str, Tensor]:
    if file.suffix == ".safetensors":
        return load_file(file)
    with np.load(file) as stored:
        arrays = {key: stored[key] for key in stored.files}
    return {key: torch.from_numpy(array) for key, array in arrays.items() if array.dtype.kind != "U"}
