"""Whether what was accepted is sound: a sentence that is one, tensors that can be computed with."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from likeness.models.errors import MOST_LINES, ConfigError, LikenessError, MissingPackageError
from torch import Tensor, nn

DEPTH = 12  # of nested values
PLAIN = (str, bytes, int, float, bool, type(None))


def fault_of_message(error: LikenessError) -> str:
    """What is wrong with a message; empty where nothing is."""
    said = str(error)
    if isinstance(error, MissingPackageError):
        return "a package is missing here"
    if not said.strip():
        return "no words"
    lines = said.splitlines()
    most = MOST_LINES if isinstance(error, ConfigError) else 1
    if len(lines) > most:
        return f"{len(lines)} lines"
    if max(map(len, lines)) > error.most:
        return f"{max(map(len, lines))} letters"
    try:
        said.encode("utf-8")
    except UnicodeEncodeError:
        return "half a character"
    return ""


def damage_of(value: object) -> str:
    """What of an accepted value cannot be computed with; empty where everything can."""
    return next((fault for place, each in _leaves(value, "", DEPTH, set()) if (fault := _fault(place, each))), "")


def _fault(place: str, value: Tensor | np.ndarray | float) -> str:
    if isinstance(value, float):
        return f"{place} is {value}" if not math.isfinite(value) else ""
    if isinstance(value, np.ndarray):
        is_number = value.dtype.kind in "fc"
        return f"{place} is not finite" if is_number and not np.isfinite(value).all() else ""
    if value.is_meta or value.is_sparse or value.layout is not torch.strided:
        return f"{place} has no values: {value.layout}, {value.device}"
    if value.is_quantized or value.is_complex():
        return f"{place} is {value.dtype}"
    is_float = value.is_floating_point()
    return f"{place} is not finite" if is_float and not torch.isfinite(value.float()).all() else ""


def _leaves(value: object, place: str, depth: int, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Tensors, arrays and floats of a value, each with its place."""
    if isinstance(value, Tensor | np.ndarray) or type(value) is float:
        yield place, value
        return
    if depth == 0 or isinstance(value, PLAIN) or id(value) in seen:
        return
    seen.add(id(value))
    for name, inner in _inside(value):
        yield from _leaves(inner, f"{place}.{name}", depth - 1, seen)


def _inside(value: object) -> Iterator[tuple[object, object]]:
    if isinstance(value, nn.Module):
        yield from value.named_parameters()
        yield from value.named_buffers()
    elif isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list | tuple | set | frozenset):
        yield from enumerate(value)
    elif dataclasses.is_dataclass(value):
        yield from ((field.name, getattr(value, field.name, None)) for field in dataclasses.fields(value))
