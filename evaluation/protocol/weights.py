"""Weights that a protocol names: files or folders below the folder of models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal


@dataclass(frozen=True, slots=True)
class Weights:
    """What must lie below the folder of models.

    Attributes:
        kind: a file, or a folder.
    """

    kind: Literal["file", "folder"] = "file"

    @property
    def wanted(self) -> str:
        """What it is."""
        return f"a {self.kind} that lies below the folder of [models]"

    def read(self, value: Any, folder: Path) -> Path:
        """Make it absolute and see that it is there; relative ones start at the folder of models."""
        if not isinstance(value, str) or not value.strip():
            raise ValueError
        path = (folder / Path(value).expanduser()).resolve()
        if not (path.is_file() if self.kind == "file" else path.is_dir()):
            raise ValueError(f'the {self.kind} "{path.name}" is not in {path.parent}')
        return path


WeightsFile = Annotated[Path, Weights("file")]
WeightsFolder = Annotated[Path, Weights("folder")]
