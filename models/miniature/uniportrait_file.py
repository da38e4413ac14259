"""The file of the miniature's UniPortrait: both stages, each under the published keys below a prefix of its own."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ..checkpoint import subset
from ..files import read_state_dict
from ..uniportrait.checkpoint import UniPortraitAdapter, load

STAGE_ONE, STAGE_TWO = "faceid.", "router."


def read_uniportrait(path: Path, *, dtype: torch.dtype | None = None) -> UniPortraitAdapter:
    """Read the adapter; raises as `models.uniportrait.checkpoint.load`."""
    weights: dict[str, Tensor] = read_state_dict(path)
    return load(subset(weights, STAGE_ONE), subset(weights, STAGE_TWO), dtype=dtype)
