"""The file of an identity card: safetensors with one text in its metadata, written whole or not at all, read within bounds."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import CorruptModelFileError, UnknownCheckpointError, first_line
from ..weights.head import read_head

RECORD = "likeness_card"  # the only name in the metadata, so that no order of names is left to chance
MOST_BYTES = 1 << 30  # of a file
MOST_HEADER = 8 << 20  # bytes
MOST_TENSORS = 8192
TENSOR_NAME = re.compile(r"(encoding\.\d{5}\.\d{3}|person\.\d{3}\.photo\.\d{3}\.(picture|crop|thumbnail))")
TYPES = {"F32": torch.float32, "U8": torch.uint8}


def write_file(path: Path, tensors: Mapping[str, Tensor], record: str) -> None:
    """Write a card under a name beside the final one and move it there, so that nobody ever reads half of it.

    Args:
        path: the file; one of this name is replaced.
        tensors: float32 or uint8, on the CPU.
        record: the text.

    Raises:
        OSError: if the folder cannot be written.
    """
    from safetensors.numpy import save  # that of torch refuses tensors which share memory

    content = save({name: tensors[name].contiguous().numpy() for name in sorted(tensors)}, metadata={RECORD: record})
    handle, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_file(path: Path) -> tuple[dict[str, Tensor], str]:
    """The tensors and the text of a card.

    The header is checked before anything else sees it: its length, how many tensors it names, their names and types.

    Raises:
        MissingModelFileError: if there is no such file.
        CorruptModelFileError: if it is empty, truncated, damaged or text.
        UnknownCheckpointError: if it is something else, too large, or holds what a card may not hold.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    head = read_head(path)
    called = f'The file "{path.name}"'
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise UnknownCheckpointError(
            f"{called} has {size:,} bytes, and an identity card has at most {MOST_BYTES:,}; choose another file."
        )
    length = int.from_bytes(head[:8], "little")
    if head[8:9] != b"{" or length > MOST_HEADER:
        raise UnknownCheckpointError(
            f"{called} is not an identity card: it is no safetensors file, or its header is larger than {MOST_HEADER:,} bytes; choose "
            "another file."
        )
    content = path.read_bytes()
    if len(content) < 8 + length:
        raise CorruptModelFileError(
            f"{called} is truncated: its header of {length:,} bytes is cut off; ask for the card again."
        )
    record = _check_header(content[8 : 8 + length], called)
    try:
        with torch.inference_mode(False):  # a gradient may be taken through them
            tensors = load(content)
    except (SafetensorError, ValueError, RuntimeError) as error:
        raise CorruptModelFileError(
            f"{called} is truncated or damaged ({first_line(error)}); ask for the card again."
        ) from error
    broken = next((name for name, tensor in sorted(tensors.items()) if not _is_finite(tensor)), None)
    if broken is not None:
        raise CorruptModelFileError(f'{called} holds NaN or infinity in "{broken}"; ask for the card again.')
    return tensors, record


def _check_header(header: bytes, called: str) -> str:
    try:
        entries: Any = json.loads(header)
        metadata: Any = entries.pop("__metadata__", {})
        record: Any = metadata.get(RECORD)
    except (ValueError, AttributeError, RecursionError) as error:
        raise CorruptModelFileError(f"{called} has a header that cannot be read; ask for the card again.") from error
    if not isinstance(record, str):
        raise UnknownCheckpointError(f"{called} is not an identity card; choose one of models/identities.")
    if len(entries) > MOST_TENSORS:
        raise UnknownCheckpointError(
            f"{called} names {len(entries):,} tensors, and a card has at most {MOST_TENSORS:,}; choose another file."
        )
    for name, entry in entries.items():
        if TENSOR_NAME.fullmatch(name) is None:
            raise UnknownCheckpointError(
                f"{called} holds a tensor that no identity card has ({name[:60]!r}); choose another file."
            )
        kind = entry.get("dtype") if isinstance(entry, dict) else None
        if kind not in TYPES:
            raise UnknownCheckpointError(
                f'{called} holds "{name}" as {str(kind)[:20]}, and a card has {" and ".join(TYPES)} only; ask for the card again.'
            )
    return record


def _is_finite(tensor: Tensor) -> bool:
    return tensor.dtype == torch.uint8 or bool(tensor.isfinite().all())
