"""The folder of a run: checkpoints to go on from, whole or not there at all, whenever the program ends."""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from ..models.errors import InvalidSettingError

logger = logging.getLogger(__name__)

PROGRESS = "progress.json"
_NAME = re.compile(r"step-(\d+)")


def checkpoints(output: Path) -> list[tuple[int, Path]]:
    """Whole checkpoints of a run and their steps, oldest first."""
    found = [(_NAME.fullmatch(entry.name), entry) for entry in (output / "checkpoints").glob("step-*")]
    return sorted((int(match[1]), entry) for match, entry in found if match and (entry / PROGRESS).is_file())


def checkpoint_to_resume(output: Path, resume: str | Path) -> Path | None:
    """Where a run goes on from.

    Args:
        output: folder of the run.
        resume: "auto" for the newest checkpoint if there is one, "none" for a new beginning, or a checkpoint's folder.

    Raises:
        InvalidSettingError: if the folder that was named is no checkpoint, or a new beginning would mix with an old run.
    """
    found = checkpoints(output)
    if resume == "none" and found:
        raise InvalidSettingError(
            f'[run] resume is "none", but "{output}" holds checkpoints up to step {found[-1][0]}; choose another output '
            "folder, or move them away."
        )
    if resume in ("none", "auto"):
        return found[-1][1] if found else None
    folder = Path(resume)
    if not (folder / PROGRESS).is_file():
        raise InvalidSettingError(
            f'[run] resume names "{folder}", which holds no {PROGRESS}; name a folder like '
            f'"{output / "checkpoints" / "step-00005000"}", or write "auto".'
        )
    return folder


def read_step(checkpoint: Path) -> int:
    """Optimizer steps that a checkpoint has behind it."""
    return int(json.loads((checkpoint / PROGRESS).read_text(encoding="utf-8"))["step"])


def write_checkpoint(
    output: Path, step: int, keep: int, write: Callable[[Path], None], *, is_main: bool, wait: Callable[[], None]
) -> None:
    """Write a checkpoint beside its place and rename it, then delete the oldest ones.

    Args:
        output: folder of the run.
        step: optimizer steps so far.
        keep: how many checkpoints stay.
        write: puts the state into a folder; called in every process.
        is_main: whether this process renames and deletes.
        wait: until all processes are here.
    """
    target = output / "checkpoints" / f"step-{step:08d}"
    partial = target.with_name(f"{target.name}.partial")
    if is_main:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
    wait()
    write(partial)
    wait()
    if is_main:
        (partial / PROGRESS).write_text(json.dumps({"step": step}), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
        behind = [path for place, path in checkpoints(output) if place <= step]  # an old run's further ones stay
        for old in behind[:-keep]:
            shutil.rmtree(old)
        logger.info("Saved %s", target)
    wait()
