"""Masks of people as a placement by the rule of masked multi-identity attention, see `regions`."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..placement.masks import span
from ..placement.standing import Standing, kept
from ..port.attention import AttentionCall, AttentionSite, Crop
from .regions import Mode, weights


@dataclass(frozen=True, eq=False, slots=True)
class MaskedRegions:
    """Every person inside a mask, places divided as `regions.weights` does it.

    Attributes:
        masks: (M, H, W) float, 0–1, per person, of any size each; picture i of a batch takes mask i modulo M. Somebody without
            one gets what the others leave.
        mode: see `regions.weights`.
    """

    masks: tuple[Tensor | None, ...]
    mode: Mode = "hard"

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor:
        """Weights (B, L, N); what is missing to 1 is the background's."""
        del site
        key = (self, call.grid, call.crop, call.samples, call.query.dtype, call.query.device)
        return call.run.remember(key, lambda: self._weights(call).to(call.query))

    def standing(self, site: AttentionSite, call: AttentionCall) -> Standing:
        """Who stands where; nobody where it is the background's."""
        del site
        key = (self, "standing", call.grid, call.crop, call.samples, call.query.dtype, call.query.device)
        return call.run.remember(key, lambda: kept(self._weights(call), call.query))

    def _weights(self, call: AttentionCall) -> Tensor:
        rows = {sample: self._picture(sample, call.grid, call.crop) for sample in dict.fromkeys(call.samples)}
        return torch.stack([rows[sample] for sample in call.samples])

    def _picture(self, sample: int, grid: tuple[int, int], crop: Crop | None) -> Tensor:
        """Weights of one picture, (L, N)."""
        shares = [None if mask is None else _shares(mask[sample % len(mask)], grid, crop) for mask in self.masks]
        given = [share for share in shares if share is not None]
        left = (1 - torch.stack(given).sum(0)).clamp(min=0) if given else torch.ones(grid)
        stacked = torch.stack([left if share is None else share for share in shares])
        return weights(stacked, grid, mode=self.mode)[:-1].flatten(1).T


def _shares(mask: Tensor, grid: tuple[int, int], crop: Crop | None) -> Tensor:
    """How much of every cell of a grid a mask (H, W) covers, (h, w) float32 on the CPU."""
    height, width = mask.shape
    if crop is not None:
        rows = span(crop.top, crop.height, crop.full_height, height)
        mask = mask[rows, span(crop.left, crop.width, crop.full_width, width)]
    return interpolate(mask[None, None].float().cpu().clamp(0, 1), size=grid, mode="area")[0, 0]
