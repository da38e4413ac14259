"""CONDITIONING with facial regions in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...models.consistentid.facial_encoder import fuse_regions
from ...models.consistentid.facial_regions import FacialRegion
from ..memory import loaded
from ..sampling.delayed_conditioning import Conditioning
from .adapter import LoadedConsistentID


@dataclass(frozen=True, eq=False, slots=True)
class EncodedText:
    """Both sides of a prompt.

    Attributes:
        positive, negative: CONDITIONING.
        text: the positive prompt as it was assembled, with its markers.
    """

    positive: Conditioning
    negative: Conditioning
    text: str


def fuse(
    consistentid: LoadedConsistentID, entries: Conditioning, places: Sequence[int], regions: Sequence[FacialRegion]
) -> Conditioning:
    """CONDITIONING with regions fused into its rows at as many places; the given one stays as it is."""
    if not places:
        return entries
    with loaded(consistentid.encoder):
        encoder = consistentid.adapter.facial_encoder
        return [[fuse_regions(encoder, tensor, places, regions), options] for tensor, options in entries]
