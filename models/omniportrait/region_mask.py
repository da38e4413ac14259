"""OmniPortrait's Eq. 6 under its paper's name; placements use it too, so it lies in `placement.region_mask`."""

from __future__ import annotations

from ..placement.region_mask import refine

__all__ = ["refine"]
