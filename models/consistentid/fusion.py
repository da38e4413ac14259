"""Facial regions fused into the rows of an encoded prompt."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .facial_encoder import FacialEncoder
from .facial_regions import FacialRegion


def fuse_regions(
    facial_encoder: FacialEncoder, text: Tensor, places: Sequence[int], regions: Sequence[FacialRegion]
) -> Tensor:
    """The rows of a prompt with regions fused in: row + strength · (fused − row).

    Args:
        facial_encoder: fuses, in its own type and on its device.
        text: rows of the text encoder, (1, L, D); stays as it is.
        places: R rows.
        regions: what goes into each of them.

    Returns:
        (1, L, D), of the type and on the device of `text`.

    Reference: ConsistentID (arXiv:2404.16771), section 3.1; strengths are ours, 1 is published.
    """
    if not places:
        return text
    like = next(facial_encoder.parameters())
    vectors = torch.cat([region.vector for region in regions]).to(like)  # (R, D)
    strengths = torch.tensor([region.strength for region in regions]).to(like)[:, None]
    rows = text[:, places].to(like)  # (1, R, D)
    changed = torch.lerp(rows, facial_encoder.fuse(rows, vectors[None].expand_as(rows)), strengths)
    fused = text.clone()
    fused[:, places] = changed.to(fused)
    return fused
