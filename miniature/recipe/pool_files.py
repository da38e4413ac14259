"""Encoded pictures on disk: files of some hundred, each made once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ...models.weights.whole_file import whole_file
from ...training.batches.feature_store import fingerprint
from ..world.world import World

logger = logging.getLogger(__name__)

PART = 512  # pictures in a file: what an interruption costs
ROWS = 32  # encoded at once

Tensors = dict[str, Tensor]


def read_parts(place: Path, pictures: range, encode: Callable[[range], Tensors]) -> Tensors:
    """Everything that is known of some pictures; files that are not there yet are made first.

    Args:
        place: folder of the files, see `pool_name`.
        pictures: numbers that follow each other; rounded up to whole files.
        encode: numbers of at most `ROWS` pictures to tensors by name, a row for each picture.
    """
    parts: list[Tensors] = []
    for first in range(pictures.start, pictures.stop, PART):
        path = place / f"from-{first:08d}.safetensors"
        if not path.is_file():
            numbers = range(first, first + PART)
            rows = [encode(numbers[start : start + ROWS]) for start in range(0, PART, ROWS)]
            with whole_file(path) as partial:
                save_file(_joined(rows), partial)
            logger.info("Encoded pictures to %d of %d", numbers.stop, pictures.stop)
        parts.append(load_file(path))
    return _joined(parts)


def pool_name(encoders: Sequence[nn.Module], world: World, people: tuple[int, int]) -> str:
    """A name for what encoded pictures depend on: the networks, the world, and how many people are in a picture."""
    return f"{fingerprint(encoders)}-{world.split}-{world.size}-seed{world.seed}-{people[0]}to{people[1]}"


def _joined(parts: Sequence[Tensors]) -> Tensors:
    return {name: torch.cat([part[name] for part in parts]).contiguous() for name in parts[0]}
