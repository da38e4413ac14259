"""The seal of a checkpoint, `progress.json`: its step and a hash of every file in it, so that damage is seen before anything is read."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from ..models.weights.head import hash_of
from .disk import sync_file, sync_folder

PROGRESS = "progress.json"
MOST_BYTES = 1_000_000  # of a seal
WRITTEN_BEFORE = (
    "it was written by an older version, with pickles, which could run code and are not read any more; its adapter.safetensors "
    "can be trained further as [method] init_from"
)
NAME = re.compile(r"step-(\d{1,18})")


def seal(folder: Path, step: int) -> None:
    """Write the seal of a checkpoint that is complete, and wait until all of it is on the disk.

    Raises:
        OSError: if it cannot be written.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    said = {"step": step, "files": {path.relative_to(folder).as_posix(): hash_of(path) for path in files}}
    for path in files:
        sync_file(path)
    progress = folder / PROGRESS
    progress.write_text(json.dumps({**said, "sha256": _digest(said)}, indent=1), encoding="utf-8")
    sync_file(progress)
    sync_folder(folder)


def step_of(folder: Path) -> int:
    """Optimizer steps that a checkpoint has behind it.

    Raises:
        ValueError: saying what is wrong with its seal.
    """
    return _read(folder)["step"]


def damage(folder: Path) -> str:
    """Why a checkpoint cannot be gone on from; empty where every file is as it was written."""
    try:
        files: dict[str, str] = _read(folder)["files"]
        for name, wanted in files.items():
            path = folder / name
            if not path.is_file():
                return f"it is damaged: {name} is missing"
            if hash_of(path) != wanted:
                return f"it is damaged: {name} is not what was written"
    except ValueError as error:
        return str(error)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return ""


def _read(folder: Path) -> dict[str, Any]:
    path = folder / PROGRESS
    if not path.is_file():
        raise ValueError(f"it is damaged: {PROGRESS} is missing")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it is damaged: {PROGRESS} has more than {MOST_BYTES:,} bytes")
    try:
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        is_old = said.keys() == {"step"}
        wanted, step, files = said.pop("sha256", ""), said["step"], said.get("files", {})
        names_stay = all(".." not in Path(name).parts and not Path(name).is_absolute() for name in files)
        fits = is_old or (wanted == _digest(said) and type(step) is int and step >= 0 and names_stay)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"it is damaged: {PROGRESS} is not what was written") from error
    if is_old:
        raise ValueError(WRITTEN_BEFORE)
    match = NAME.fullmatch(folder.name)
    if not fits or (match and int(match[1]) != step):
        raise ValueError(f"it is damaged: {PROGRESS} is not what was written")
    return said


def _digest(said: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
