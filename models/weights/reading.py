"""Weights from files and state dicts: the one way in for every file of weights, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor

from ..errors import UnknownCheckpointError
from .head import named, weights_format
from .safetensors_file import read_header, read_tensors
from .signatures import known_files
from .state_dict import flatten, identify, summarise
from .tensors import require_finite, require_usable
from .torch_file import read_pickle, read_zip

Source: TypeAlias = "str | PathLike[str] | Mapping[str, Any]"
GIVEN = "The given weights"
UNPACKED = {"zip": read_zip, "pickle": read_pickle}


def read_state_dict(path: str | Path) -> dict[str, Any]:
    """Read weights; the format is told by the file's first bytes, never by its name.

    Args:
        path: a safetensors file or one written by torch.save.

    Returns:
        What the file holds, on the CPU: nested dicts of tensors as they were saved, or for safetensors one flat dict
        whose keys may be dotted ("faceid_proj.latents"). All tensors are finite and of a type that networks have.

    Raises:
        MissingModelFileError: if there is no such file.
        CorruptModelFileError: if it cannot be read, is empty, truncated, damaged, text (a web page, a git-lfs pointer), or holds NaN
            or infinity.
        UnknownCheckpointError: if it is no weights file, or holds what no weights do: other things than tensors, types and layouts
            that cannot be used, more than the file's size justifies.
    """
    path = Path(path)
    kind = weights_format(path)
    content: dict[str, Any] = dict(read_tensors(path)) if kind == "safetensors" else UNPACKED[kind](path)
    tensors = flatten(content, named(path))
    require_usable(tensors, named(path), size=path.stat().st_size)
    require_finite(tensors, named(path))
    return content


def read_shapes(path: str | Path) -> dict[str, Any]:
    """What a weights file holds, without its values: nested as `read_state_dict` gives it, tensors on the meta device.

    Raises:
        MissingModelFileError, CorruptModelFileError, UnknownCheckpointError: see `read_state_dict`; nothing is said about values.
    """
    path = Path(path)
    kind = weights_format(path)
    if kind != "safetensors":
        return UNPACKED[kind](path, "meta")
    return {key: torch.empty(shape, device="meta") for key, shape in read_header(path)[0].items()}


def read_metadata(path: str | Path) -> dict[str, str]:
    """What the writer of a safetensors file noted in it; empty for files of another format.

    Raises:
        MissingModelFileError, CorruptModelFileError, UnknownCheckpointError: see `read_state_dict`.
    """
    path = Path(path)
    return read_header(path)[1] if weights_format(path) == "safetensors" else {}


def read_weights(source: Source, kind: str, *others: str, called: str = "") -> tuple[dict[str, Tensor], str]:
    """Read weights of one kind, or of one of several.

    Args:
        source: path or state dict, nested or flat.
        kind: one of `known_files()`; its `belongs` names the widget to choose them in.
        others: further kinds that are as welcome.
        called: what a message calls all of them, with its article; empty for the description of `kind`.

    Returns:
        The flat weights, and what messages call them.

    Raises:
        UnknownCheckpointError: naming what the weights look like and where they belong.
        LikenessError: if the file cannot be read, see `read_state_dict`.
    """
    weights, name = read_flat(source)
    found = identify(weights, known_files())
    if found is not None and found.kind in (kind, *others):
        return weights, name
    wanted = next(signature for signature in known_files() if signature.kind == kind)
    called = called or wanted.description
    looks = "no adapter known here"
    if found is not None:
        looks = f"{found.description}, which belongs {found.belongs}" if found.belongs else found.description
    raise UnknownCheckpointError(
        f"{name} is not {called}: it holds {summarise(weights)} and looks like {looks}. "
        f"Choose {called} {wanted.belongs}."
    )


def read_flat(source: Source) -> tuple[dict[str, Tensor], str]:
    """Read weights of any kind.

    Returns:
        The flat weights, and what messages call them.

    Raises:
        LikenessError: if the file cannot be read, see `read_state_dict`.
    """
    if isinstance(source, Mapping):
        return flatten(source, GIVEN), GIVEN
    return flatten(read_state_dict(Path(source)), named(Path(source))), f'"{Path(source).name}"'
