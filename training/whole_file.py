"""Files that are whole or not there at all, whenever the program ends."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from ..models.errors import LikenessError
from ..models.partial import partial_of, unwritten
from .disk import sync_file, sync_folder

FAILED_WRITES = ("unexpected pos", "PytorchStreamWriter", "enforce fail")  # of torch.save, where the disk is full


def is_of_the_disk(error: RuntimeError) -> bool:
    """Whether torch could not write, and not something else went wrong meanwhile."""
    return any(text in str(error) for text in FAILED_WRITES)


@contextmanager
def whole_file(path: Path, *, durable: bool = True) -> Generator[Path, None, None]:
    """A place beside a file to write to; afterwards what was written takes the file's name.

    Args:
        path: of the file; its folder is made. Several processes may write the same one.
        durable: whether to wait until it is on the disk; not needed for what can be made again.

    Raises:
        InvalidSettingError: if the disk is full or does not take it.
    """
    partial = partial_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        if durable:
            sync_file(partial)
        os.replace(partial, path)
        if durable:
            sync_folder(path.parent)
    except (LikenessError, FileNotFoundError):  # the latter where nothing was written
        raise
    except (OSError, SafetensorError) as error:
        raise unwritten(path, error) from error
    except RuntimeError as error:
        if not is_of_the_disk(error):
            raise
        raise unwritten(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink()
