"""What was recorded of the last runs, by the latent that each of them gave."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..placement.found import Look, Regions
from .guidance import GuidanceHistory
from .placements import PlacementMaps

REMEMBERED_RUNS = 8


@dataclass(frozen=True, eq=False, slots=True)
class RunRecord:
    """What is known of one run.

    Attributes:
        placements: where people were placed; None if nothing was.
        guidance: how they were pulled; None if nobody was.
        found: where people were in the end, by who looked for them.
    """

    placements: PlacementMaps | None = None
    guidance: GuidanceHistory | None = None
    found: Mapping[Look, Regions] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class RunArchive:
    """The records of the last runs, by the content of the latent that each run gave."""

    kept: OrderedDict[str, RunRecord] = field(default_factory=OrderedDict)

    def file(self, latent: Tensor, record: RunRecord) -> None:
        """Keep what a finished run recorded, if it is anything; the oldest of more than eight are forgotten."""
        if record.placements is None and record.guidance is None and not record.found:
            return
        key = content_hash(latent)
        self.kept[key] = record
        self.kept.move_to_end(key)
        while len(self.kept) > REMEMBERED_RUNS:
            self.kept.popitem(last=False)

    def find(self, latent: Tensor) -> RunRecord:
        """The record of the run that gave a latent; an empty one if it is not remembered."""
        return self.kept.get(content_hash(latent), RunRecord())


def content_hash(latent: Tensor) -> str:
    """A key for a latent's content, equal for float32 and half precision copies of it."""
    rounded = latent.detach().to("cpu", torch.float16).contiguous()
    return hashlib.sha256(repr(tuple(rounded.shape)).encode() + rounded.numpy().tobytes()).hexdigest()
