"""The first look at a file: whether it is there, can be read and is no text, and of which format its weights are."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import CorruptModelFileError, MissingModelFileError, UnknownCheckpointError, first_line

WeightsFormat = Literal["safetensors", "zip", "pickle"]

BLOCK = 1 << 22  # bytes hashed at a time
HEAD_BYTES = 512  # enough to tell text from weights and to quote the text
LONGEST_HEADER = 100_000_000  # bytes; the limit of the safetensors format itself
LFS_POINTER = b"version https://git-lfs"
MARKUP = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--")


def weights_format(path: str | Path) -> WeightsFormat:
    """Tell the format of a weights file.

    Raises:
        MissingModelFileError, CorruptModelFileError: see `read_head`; or a zip without its table of contents.
        UnknownCheckpointError: if it is no weights file.
    """
    path = Path(path)
    head = read_head(path)
    if head.startswith(b"PK\x03\x04"):
        with told(path):
            is_whole = zipfile.is_zipfile(path)  # the table of contents is at the end
        if not is_whole:
            raise damaged(path, "its table of contents is missing")
        return "zip"
    if head.startswith(b"\x80") and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "pickle"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= LONGEST_HEADER:
        return "safetensors"
    raise UnknownCheckpointError(
        f"{named(path)} is neither a safetensors file nor one written by torch.save (it begins with {head[:8]!r}); "
        "choose another file."
    )


def read_head(path: Path) -> bytes:
    """The first bytes of a file, once it is clear that they are not text.

    Args:
        path: the file.

    Returns:
        Up to `HEAD_BYTES` bytes.

    Raises:
        MissingModelFileError: if there is no such file.
        CorruptModelFileError: if it cannot be read, is empty, a web page, a git-lfs pointer or other text.
    """
    with told(path):
        if not path.is_file():
            raise MissingModelFileError(
                f"{named(path)} does not exist in {path.parent}; put it there or choose another."
            )
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    if not head:
        raise CorruptModelFileError(f"{named(path)} is empty; download it again.")
    if head.startswith(LFS_POINTER):
        raise CorruptModelFileError(
            f"{named(path)} is a git-lfs pointer, not the weights; run `git lfs pull` there or download the file itself."
        )
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.lower().startswith(MARKUP):
        raise CorruptModelFileError(
            f"{named(path)} is a web page (HTML), not weights; download the file itself, not the page that shows it."
        )
    if _is_text(head):
        quote = text[:60].decode("ascii", "replace").splitlines()[0] if text else ""
        raise CorruptModelFileError(f'{named(path)} is text, not weights (it begins "{quote}"); download it again.')
    return head


def sha256(path: str | PathLike[str]) -> str:
    """The hash of a file's bytes, hexadecimal.

    Raises:
        MissingModelFileError, CorruptModelFileError: see `read_head`.
    """
    path = Path(path)
    read_head(path)
    with told(path):
        return hash_of(path)


def hash_of(path: Path) -> str:
    """SHA-256 of any file's bytes, hexadecimal; raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while part := stream.read(BLOCK):
            digest.update(part)
    return digest.hexdigest()


def mapped(path: Path) -> memoryview:
    """A file's bytes, read where they are looked at; raises as `read_head`, which has to have looked at it."""
    with told(path):
        return np.memmap(path, np.uint8, "r").data


@contextmanager
def told(path: Path) -> Generator[None, None, None]:
    """Turn the system's errors at a file into a sentence.

    Raises:
        MissingModelFileError: as it came.
        CorruptModelFileError: if the system does not let the file be read.
    """
    try:
        yield
    except MissingModelFileError:
        raise
    except OSError as error:
        raise CorruptModelFileError(
            f"{named(path)} cannot be read ({error.strerror or first_line(error)}); let this program read it, or choose another "
            "file."
        ) from error


def damaged(path: Path, reason: str) -> CorruptModelFileError:
    """What to raise where a file is not whole."""
    return CorruptModelFileError(f"{named(path)} is truncated or damaged ({reason.rstrip('.')}); download it again.")


def named(path: Path) -> str:
    """What messages call a file."""
    return f'The file "{path.name}"'


def _is_text(head: bytes) -> bool:
    return all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in head)
