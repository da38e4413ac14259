"""Where an adapter's weights come from: a file or a state dict, refused with one sentence if it is something else."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

from torch import Tensor

from ..errors import UnknownCheckpointError
from .reading import read_state_dict
from .signatures import KNOWN_FILES
from .state_dict import flatten, identify, summarise

Source: TypeAlias = "str | PathLike[str] | Mapping[str, Any]"


def read_weights(source: Source, kind: str) -> tuple[dict[str, Tensor], str]:
    """Read weights of one kind.

    Args:
        source: path or state dict, nested or flat.
        kind: one of `known_files`; its `belongs` names the widget to choose them in.

    Returns:
        The flat weights, and what messages call them.

    Raises:
        UnknownCheckpointError: naming what the weights look like and where they belong.
        LikenessError: if the file cannot be read, see `files.read_state_dict`.
    """
    weights, name = read_flat(source)
    found = identify(weights, KNOWN_FILES)
    if found is not None and found.kind == kind:
        return weights, name
    wanted = next(signature for signature in KNOWN_FILES if signature.kind == kind)
    looks = "no adapter known here"
    if found is not None:
        looks = f"{found.description}, which belongs {found.belongs}" if found.belongs else found.description
    raise UnknownCheckpointError(
        f"{name} is not {wanted.description}: it holds {summarise(weights)} and looks like {looks}. "
        f"Choose {wanted.description} {wanted.belongs}."
    )


def read_flat(source: Source) -> tuple[dict[str, Tensor], str]:
    """Read weights of any kind.

    Returns:
        The flat weights, and what messages call them.

    Raises:
        LikenessError: if the file cannot be read, see `files.read_state_dict`.
    """
    if isinstance(source, Mapping):
        return flatten(source), "The given weights"
    return flatten(read_state_dict(Path(source))), f'"{Path(source).name}"'
