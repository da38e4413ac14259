"""Encoded pictures on disk: files of some hundred, each made once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ...training.batches.feature_store import fingerprint
from ...training.whole_file import whole_file
from ..world.world import World

logger = logging.getLogger(__name__)

Tensors = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class PoolFiles:
    """How encoded pictures lie on disk.

    Attributes:
        pictures: in a file; what an interruption costs.
        rows: pictures encoded at once.
    """

    pictures: int = 512
    rows: int = 32


POOL_FILES = PoolFiles()


def read_parts(
    place: Path, pictures: range, encode: Callable[[range], Tensors], files: PoolFiles = POOL_FILES
) -> Tensors:
    """Return everything that is known of some pictures; files that are not there yet are made first.

    Args:
        place: folder of the files, see `pool_name`.
        pictures: numbers that follow each other; rounded up to whole files.
        encode: turns the numbers of at most `files.rows` pictures into tensors by name, a row for each picture.
        files: how they lie there.
    """
    parts: list[Tensors] = []
    for first in range(pictures.start, pictures.stop, files.pictures):
        path = place / f"from-{first:08d}.safetensors"
        if not path.is_file():
            numbers = range(first, first + files.pictures)
            rows = [encode(numbers[start : start + files.rows]) for start in range(0, files.pictures, files.rows)]
            with whole_file(path) as unfinished:
                save_file(_join(rows), unfinished)
            logger.info("Encoded pictures to %d of %d", numbers.stop, pictures.stop)
        parts.append(load_file(path))
    return _join(parts)


def pool_name(encoders: Sequence[nn.Module], world: World, people: tuple[int, int]) -> str:
    """Return a name for what encoded pictures depend on: networks, world, and how many people they show."""
    return f"{fingerprint(encoders)}-{world.split}-{world.size}-seed{world.seed}-{people[0]}to{people[1]}"


def _join(parts: Sequence[Tensors]) -> Tensors:
    return {name: torch.cat([part[name] for part in parts]).contiguous() for name in parts[0]}
