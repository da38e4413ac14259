"""The folder of a run: checkpoints to go on from, whole or not there at all, whenever the program ends."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError

from ..models.errors import InvalidSettingError, ResumeError, first_line
from ..models.partial import PARTIAL, remove_left_over
from .disk import GONE, remove_folder, rename, sync_folder
from .seal import NAME, PROGRESS, damage, seal, step_of

logger = logging.getLogger(__name__)

NEWEST_WHOLE = "newest whole"


def checkpoints(output: Path) -> list[tuple[int, Path]]:
    """Checkpoints of a run that were finished and their steps, oldest first."""
    return [(step, folder) for step, folder in _folders(output) if (folder / PROGRESS).is_file()]


def checkpoint_to_resume(output: Path, resume: str | Path) -> Path | None:
    """Where a run goes on from.

    Args:
        output: folder of the run.
        resume: "auto" for the newest checkpoint if there is one, "newest whole" for the newest that is not damaged, "none" for a new
            beginning, or a checkpoint's folder.

    Raises:
        InvalidSettingError: if a folder that was named is no checkpoint, the checkpoint is damaged, naming the next older one that is
            not, or a new beginning would mix with an old run.
    """
    found = checkpoints(output)
    if resume == "none" and found:
        raise InvalidSettingError(
            f'[run] resume is "none", but "{output}" holds checkpoints up to step {found[-1][0]}; choose another output '
            "folder, or move them away."
        )
    if resume == "none":
        return None
    if resume in ("auto", NEWEST_WHOLE):
        return _newest(output, skip_damaged=resume == NEWEST_WHOLE)
    folder = Path(resume)
    if not (folder / PROGRESS).is_file():
        raise InvalidSettingError(
            f'[run] resume names "{folder}", which holds no {PROGRESS}; name a folder like '
            f'"{output / "checkpoints" / "step-00005000"}", or write "auto".'
        )
    if reason := damage(folder):
        raise ResumeError(
            f'The checkpoint "{folder}" that [run] resume names cannot be gone on from ({reason}); {_way_on(output, folder)}'
        )
    return folder


def read_step(checkpoint: Path) -> int:
    """Optimizer steps that a checkpoint has behind it.

    Raises:
        InvalidSettingError: if it does not say.
    """
    try:
        return step_of(checkpoint)
    except (ValueError, OSError) as error:
        raise InvalidSettingError(
            f'The checkpoint "{checkpoint}" cannot be gone on from ({error}); name another one.'
        ) from error


def write_checkpoint(
    output: Path, step: int, keep: int, write: Callable[[Path], None], *, is_main: bool, wait: Callable[[], None]
) -> None:
    """Write a checkpoint beside its place, seal it, and rename it when it is on the disk; then delete the oldest ones.

    Args:
        output: folder of the run.
        step: optimizer steps so far.
        keep: how many checkpoints stay.
        write: puts the state into a folder; called in every process.
        is_main: whether this process renames and deletes.
        wait: until all processes are here.

    Raises:
        InvalidSettingError: if the disk is full or does not take it; those that were there stay.
    """
    target = output / "checkpoints" / f"step-{step:08d}"
    partial = target.with_name(f"{target.name}{PARTIAL}")
    try:
        if is_main:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
        wait()
        write(partial)
        wait()
        if is_main:
            _take_place(partial, target, step)
            behind = [path for place, path in checkpoints(output) if place <= step]  # an old run's further ones stay
            for old in behind[:-keep]:
                remove_folder(old)
            logger.info("Saved %s", target)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        found = checkpoints(output)
        rest = f"the same command goes on from step {found[-1][0]}" if found else "no checkpoint was written yet"
        raise InvalidSettingError(
            f'The checkpoint of step {step} cannot be written to "{target.parent}" ({_reason(error)}); make room there or let this '
            f"user write, then start again: {rest}."
        ) from error
    wait()


def clean(output: Path, cache: Path | None = None) -> None:
    """Take away what killed runs left, when no other run is here: half-written and half-deleted checkpoints, partial files.

    A checkpoint whose successor had not yet taken its place gets its name back.

    Args:
        output: folder of the run.
        cache: of encoded pictures; other runs may use it too.
    """
    folder = output / "checkpoints"
    for going in sorted(folder.glob(f"step-*{GONE}")):
        place = going.with_name(going.name.removesuffix(GONE))
        if not place.exists() and not damage(going):
            rename(going, place)
        else:
            shutil.rmtree(going, ignore_errors=True)
    for partial in folder.glob(f"step-*{PARTIAL}"):
        shutil.rmtree(partial, ignore_errors=True)
    found = checkpoints(output)
    for step, left in _folders(output):
        if found and step < found[-1][0] and not (left / PROGRESS).is_file():  # of versions that deleted in place
            shutil.rmtree(left, ignore_errors=True)
    for place in (output, output / "samples", *(cache.glob("*/*/*") if cache else ())):
        remove_left_over(place.glob(f"*{PARTIAL}"))


def _take_place(partial: Path, target: Path, step: int) -> None:
    seal(partial, step)
    going = target.with_name(target.name + GONE)
    if target.exists():
        shutil.rmtree(going, ignore_errors=True)
        rename(target, going)
    rename(partial, target)
    sync_folder(target.parent.parent)
    if going.exists():
        remove_folder(going)


def _newest(output: Path, *, skip_damaged: bool) -> Path | None:
    """The newest checkpoint, or None without any."""
    found = [(step, folder) for step, folder in _folders(output) if any(folder.iterdir())]
    last = checkpoints(output)
    newest_whole = last[-1][0] if last else -1
    for step, folder in reversed(found):
        if step < newest_whole and not (folder / PROGRESS).is_file():
            continue
        reason = damage(folder)
        if not reason:
            return folder
        if not skip_damaged:
            raise ResumeError(
                f'The newest checkpoint "{folder}" cannot be gone on from ({reason}); {_way_on(output, folder)}'
            )
        logger.warning('The checkpoint "%s" cannot be gone on from (%s); looking for an older one', folder, reason)
    if found and skip_damaged:
        raise InvalidSettingError(
            f'[run] resume is "{NEWEST_WHOLE}", and "{output}" holds no checkpoint that is whole; choose another output folder.'
        )
    return None


def _way_on(output: Path, broken: Path) -> str:
    """What to write to go on all the same, the end of a sentence."""
    for step, folder in reversed(checkpoints(output)):
        if folder != broken and not damage(folder):
            return f'to go on from step {step}, write below [run]: resume = "{folder.as_posix()}", or resume = "{NEWEST_WHOLE}".'
    return "none of the others is whole, so choose another output folder and begin anew."


def _folders(output: Path) -> list[tuple[int, Path]]:
    """Everything that is called like a checkpoint, the oldest first."""
    found = [(NAME.fullmatch(entry.name), entry) for entry in (output / "checkpoints").glob("step-*")]
    return sorted((int(match[1]), entry) for match, entry in found if match and entry.is_dir())


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or first_line(error)
