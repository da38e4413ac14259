"""safetensors files: their header is checked, and bounded, before anything reads them."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import CorruptModelFileError, UnknownCheckpointError, first_line
from .head import damaged, named, told
from .tensors import shortened

MOST_HEADER = 10_000_000  # bytes; the largest published one has 1.1 million
MOST_KEYS = 100_000
METADATA = "__metadata__"
BYTES = {  # of a number, by the format's name of its type
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("F8_E4M3", "F8_E5M2", "I8", "U8", "BOOL"), 1),
}
# What a JSON text of so many tensors may hold at most; a text of brackets alone takes 60 bytes of memory for one of its own.
MOST_MARKS = {b"{": 2 * MOST_KEYS, b"[": 3 * MOST_KEYS, b'":': 6 * MOST_KEYS}


def read_header(path: Path) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    """Shapes of all tensors, and what the file's writer noted.

    Args:
        path: of a file that begins as the format does.

    Raises:
        CorruptModelFileError: if it cannot be read, or is truncated or damaged.
        UnknownCheckpointError: if it has more keys, or a longer header, than any weights.
    """
    with told(path):
        size = path.stat().st_size
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if length > MOST_HEADER:
                raise UnknownCheckpointError(
                    f"{named(path)} has a header of {length:,} bytes, and weights have at most {MOST_HEADER:,}; choose another file."
                )
            header = stream.read(length)
    if len(header) < length:
        raise damaged(path, f"its header of {length} bytes is cut off")
    if any(header.count(mark) > most for mark, most in MOST_MARKS.items()):
        raise UnknownCheckpointError(
            f"{named(path)} has a header with more than {MOST_KEYS:,} keys, which no weights have; choose another file."
        )
    try:
        entries: dict[str, Any] = json.loads(header)
        noted: dict[str, Any] = entries.pop(METADATA, {})
        metadata = {str(key): str(value) for key, value in noted.items()}
        found = {key: _entry(key, entry) for key, entry in entries.items()}
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise CorruptModelFileError(
            f"{named(path)} has a safetensors header that cannot be read ({first_line(error)}); download it again."
        ) from error
    if len(found) > MOST_KEYS:
        raise UnknownCheckpointError(
            f"{named(path)} has {len(found):,} keys, and weights have at most {MOST_KEYS:,}; choose another file."
        )
    expected = 8 + length + max((end for _, end in found.values()), default=0)
    if size < expected:
        raise damaged(path, f"it has {size:,} of {expected:,} bytes")
    return {key: shape for key, (shape, _) in found.items()}, metadata


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors.

    Raises:
        CorruptModelFileError, UnknownCheckpointError: see `read_header`.
    """
    from safetensors.torch import load_file

    read_header(path)
    try:
        with torch.inference_mode(False):  # they may be trained, or a gradient be taken through them
            return dict(load_file(path))
    except Exception as error:  # its own error, the system's, or torch's of several lines
        raise CorruptModelFileError(
            f"{named(path)} cannot be read ({first_line(error)}); download it again."
        ) from error


def _entry(key: str, entry: Any) -> tuple[tuple[int, ...], int]:
    """Shape of a tensor, and where its bytes end.

    Raises:
        ValueError, KeyError, TypeError: if they do not fit each other.
    """
    shape, (begin, end) = entry["shape"], entry["data_offsets"]
    if not all(type(number) is int and number >= 0 for number in (*shape, begin, end)):
        raise ValueError(f'"{shortened(key)}" has a shape or a place that is no whole number from 0 up')
    if prod(shape) * BYTES[entry["dtype"]] != end - begin:
        raise ValueError(f'"{shortened(key)}" has a shape that does not fit its {end - begin} bytes')
    return tuple(shape), end
