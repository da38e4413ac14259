"""Weights that torch.save wrote, as safetensors: on request only, read back and compared bit for bit; the original stays."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import CorruptModelFileError, InvalidSettingError, UnknownCheckpointError, first_line
from ..weights.reading import read_state_dict, weights_format
from ..weights.state_dict import flatten
from .placing import make_folder, place, require_absent, require_space, writing_failed

SUFFIX = ".safetensors"
ORIGIN = "converted_from"  # metadata key
HEADER = 1 << 20  # bytes beside the tensors, more than any header takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What a conversion came to.

    Attributes:
        path: the new file, beside the original.
        tensors: how many it holds.
        note: a sentence on what was left out; empty where everything was a tensor.
    """

    path: Path
    tensors: int
    note: str


def is_convertible(path: Path) -> bool:
    """Whether a file's name says that it may be worth converting."""
    return path.suffix.lower() in (".bin", ".pt", ".pth", ".ckpt")


def convert(path: Path) -> Converted:
    """Write a file's tensors as safetensors beside it; nested names are joined by dots, as all loaders here read them.

    Args:
        path: a file of torch.save's; nothing in it is run.

    Raises:
        InvalidSettingError: if it is a safetensors file already, or there is a file of the new name.
        LikenessError: if it cannot be read, see `reading.read_state_dict`, or written.
    """
    if weights_format(path) == "safetensors":
        raise InvalidSettingError(
            f'"{path.name}" is in the format of safetensors already; there is nothing to convert.'
        )
    target = path.with_suffix(SUFFIX)
    require_absent(target)
    content = read_state_dict(path)
    weights, others = flatten(content), _others(content)
    if len(weights) != _count(content):
        raise UnknownCheckpointError(
            f'"{path.name}" holds two tensors that would get the same name and was not converted; use it as it is.'
        )
    if not weights:
        raise UnknownCheckpointError(f'"{path.name}" holds no tensors; choose another file.')
    make_folder(target.parent)
    require_space(target.parent, HEADER + sum(tensor.numel() * tensor.element_size() for tensor in weights.values()))
    part = target.parent / f".{target.name}.{os.getpid()}.part"
    try:
        _write(weights, part, path.name)
        _compare(weights, part, path.name)
        place(part, target)
    finally:
        part.unlink(missing_ok=True)
    shown = ", ".join(others[:8]) + (f" and {len(others) - 8} more" if len(others) > 8 else "")
    note = f"Left out, since safetensors holds tensors alone: {shown}." if others else ""
    return Converted(path=target, tensors=len(weights), note=note)


def _write(weights: Mapping[str, Tensor], part: Path, name: str) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(_apart(weights), part, metadata={"format": "pt", ORIGIN: name})
    except (SafetensorError, OSError) as error:
        cause = error if isinstance(error, OSError) else OSError(str(error))
        raise writing_failed(part.parent, cause) from error
    except (RuntimeError, ValueError, KeyError) as error:
        raise UnknownCheckpointError(
            f'"{name}" holds what safetensors cannot hold ({first_line(error)}) and was not converted; use it as it is.'
        ) from error


def _apart(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every tensor whole and with memory of its own, as the format asks."""
    seen: set[int] = set()
    apart: dict[str, Tensor] = {}
    for key, tensor in weights.items():
        storage = tensor.untyped_storage()
        is_alone = storage.nbytes() == tensor.numel() * tensor.element_size() and storage.data_ptr() not in seen
        seen.add(storage.data_ptr())
        apart[key] = tensor if is_alone and tensor.is_contiguous() else tensor.contiguous().clone()
    return apart


def _compare(weights: Mapping[str, Tensor], part: Path, name: str) -> None:
    """Read the new file and compare every bit."""
    from safetensors import safe_open

    with safe_open(part, framework="pt") as found:
        keys = set(found.keys())
        same = keys == set(weights) and all(_is_same(found.get_tensor(key), weights[key]) for key in keys)
    if not same:
        raise CorruptModelFileError(
            f'The conversion of "{name}" did not give the same bits when it was read back and was thrown away; check disk and '
            "memory, and try again."
        )


def _is_same(one: Tensor, other: Tensor) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    bits = [tensor.contiguous().reshape(-1).view(torch.uint8) for tensor in (one, other)]
    return torch.equal(*bits)


def _count(content: Mapping[Any, Any]) -> int:
    """How many tensors there are, at any depth."""
    return sum(
        1 if isinstance(value, Tensor) else _count(value) if isinstance(value, Mapping) else 0
        for value in content.values()
    )


def _others(content: Mapping[Any, Any], prefix: str = "") -> list[str]:
    """Names of what is no tensor, at any depth."""
    names: list[str] = []
    for key, value in content.items():
        if isinstance(value, Mapping):
            names += _others(value, f"{prefix}{key}.")
        elif not isinstance(value, Tensor):
            names.append(f"{prefix}{key}")
    return names
