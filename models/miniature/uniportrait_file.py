"""The file of the miniature's UniPortrait: both stages, each under the published keys below a prefix of its own."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ..errors import UnknownCheckpointError
from ..uniportrait.checkpoint import UniPortraitAdapter, load
from ..weights.reading import read_state_dict
from ..weights.state_dict import subset, summarise

STAGE_ONE, STAGE_TWO = "faceid.", "router."


def read_uniportrait(path: Path, *, dtype: torch.dtype | None = None) -> UniPortraitAdapter:
    """Read the adapter.

    Args:
        path: of the file.
        dtype: of the attention's weights; None keeps the file's.

    Raises:
        CorruptModelFileError: if the file cannot be read.
        UnknownCheckpointError: if it is something else.
    """
    weights: dict[str, Tensor] = read_state_dict(path)
    faceid, router = subset(weights, STAGE_ONE), subset(weights, STAGE_TWO)
    if not faceid or not router:
        raise UnknownCheckpointError(
            f'{path.name} holds {summarise(weights)}, and not both stages of UniPortrait ("{STAGE_ONE}", "{STAGE_TWO}"); '
            "take the file that came with this pack."
        )
    return load(faceid, router, dtype=dtype)
