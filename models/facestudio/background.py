"""Places that belong to nobody: who is lent them.

FaceStudio (arXiv:2312.02663), section 3.2: features of non-human regions "can randomly choose guidance embeddings", or their
latents are kept as for inpainting. Nothing more is said; in training every picture without people has the face of nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ..errors import InvalidSettingError
from ..placement.masks import to_grid
from ..placement.placements import Placement
from ..placement.standing import Standing, kept, standing_of
from ..port.attention import AttentionCall, AttentionSite

Background = Literal["none", "mean", "random", "nearest", "freeze"]
BACKGROUNDS: tuple[Background, ...] = ("none", "mean", "random", "nearest", "freeze")
MOSTLY = 0.5  # of a place, from which on it is somebody's
ROWS = 1024  # places whose distances to all others are held at a time
CELLS = 64  # a side of the grid on which places are drawn: the latent of a picture of 512 pixels


@dataclass(frozen=True, eq=False, slots=True)
class Lent:
    """A placement whose empty places are given to people.

    Attributes:
        placement: says where N people are.
        people: N.
        background: "random" draws a person for every cell of a grid over the picture, once for all steps and layers; "nearest"
            takes the person of the nearest place on the layer's grid; "mean" gives everybody the same share. "none" and "freeze"
            leave the places empty.
        seed: of what is drawn.
    """

    placement: Placement
    people: int
    background: Background = "none"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.background not in BACKGROUNDS:
            raise InvalidSettingError(f'background is "{self.background}"; choose one of: {", ".join(BACKGROUNDS)}.')

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor:
        """Weights (B, L, N); rows sum to 1 where somebody is lent the rest."""
        weights = self.placement(site, call)
        if self.background in ("none", "freeze"):
            return weights
        rest = (1 - weights.sum(-1, keepdim=True)).clamp(min=0)  # (B, L, 1)
        if self.background == "mean":
            return weights + rest / self.people
        shares = self._drawn(call, weights) if self.background == "random" else _nearest(weights, call.grid)
        return weights + rest * shares

    def standing(self, site: AttentionSite, call: AttentionCall) -> Standing:
        """Who stands where; what no step changes is worked out once per run."""
        inside = standing_of(self.placement, site, call)
        if self.background in ("none", "freeze"):
            return inside
        if not inside.is_kept:
            return Standing(people=self.people, weights=self(site, call))
        key = (self, "standing", inside, call.query.shape, call.query.dtype)
        return call.run.remember(key, lambda: kept(self(site, call).float().cpu(), call.query))

    def _drawn(self, call: AttentionCall, like: Tensor) -> Tensor:
        """One person for each place, (1, L, N)."""
        key = (self, "drawn", call.grid, call.crop, like.dtype, like.device)
        return call.run.remember(key, lambda: self._draw(call).to(like))

    def _draw(self, call: AttentionCall) -> Tensor:
        numbers = torch.Generator().manual_seed(self.seed)
        field = torch.randint(self.people, (1, CELLS, CELLS), generator=numbers)
        owners = to_grid(field, call.grid, call.crop, mode="nearest").long()  # (1, L)
        return one_hot(owners, self.people)


def _nearest(weights: Tensor, grid: tuple[int, int]) -> Tensor:
    """One person for each place, (B, L, N): of the nearest place that is mostly somebody's; zeros where there is none."""
    height, width = grid
    rows, columns = torch.meshgrid(
        torch.arange(height, device=weights.device), torch.arange(width, device=weights.device), indexing="ij"
    )
    points = torch.stack([rows.flatten(), columns.flatten()], -1).float()
    found = torch.zeros_like(weights)
    for number, row in enumerate(weights):
        largest, owner = row.max(-1)
        taken = largest >= MOSTLY
        if not taken.any():
            continue
        theirs, whose = points[taken], owner[taken]
        nearest = torch.cat([torch.cdist(part, theirs).argmin(-1) for part in points.split(ROWS)])
        found[number] = one_hot(whose[nearest], row.shape[-1]).to(row)
    return found
