"""The routing regularisation: inside the faces, every layer's router should give each face to its own person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

RoutingForm = Literal["sum", "mean"]

FINEST = 128  # cells per side in which boxes are drawn before they are made as coarse as a layer


def routing_loss(
    routing: Iterable[tuple[Tensor, tuple[int, int]]],
    boxes: Tensor,
    present: Tensor,
    *,
    form: RoutingForm = "sum",
) -> Tensor:
    """How far the routers are from the face boxes.

    Args:
        routing: of every layer the shares (B, L, N), noise-free and summing to 1, and its grid (h, w).
        boxes: left, top, right, bottom as shares of the picture, 0–1, (B, N, 4).
        present: which people count, (B, N) bool; rows without anybody count nothing.
        form: "sum" adds the squares of a layer's positions, as the equation does, so that a layer of h × w positions weighs
            as much as it has of them; "mean" takes their average, so that fine and coarse layers weigh the same, which is h·w
            times weaker [choice].

    Returns:
        Mean over layers and rows [choice] of 1/N · ‖W ⊙ (ψ − M)‖²; a scalar, float32.

    Reference: UniPortrait (arXiv:2408.05939), Eq. 4.
    """
    faces = draw_boxes(boxes, present)
    layers: list[Tensor] = []
    for shares, grid in routing:
        masks = adaptive_avg_pool2d(faces, grid)  # (B, N, h, w); the mean of an area
        union = masks.amax(dim=1, keepdim=True)
        psi = rearrange(shares.float(), "b (h w) n -> b n h w", h=grid[0])
        squares = (union * (psi - masks)).square()
        cost = (squares.sum(dim=(2, 3)) if form == "sum" else squares.mean(dim=(2, 3))) * present
        layers.append((cost.sum(dim=1) / present.sum(dim=1).clamp_min(1)).mean())
    return torch.stack(layers).mean()


def draw_boxes(boxes: Tensor, present: Tensor) -> Tensor:
    """Boxes as masks, (B, N, 128, 128), 0–1; the border cells hold the share that the box covers."""
    edges = torch.arange(FINEST + 1, device=boxes.device) / FINEST
    left, top, right, bottom = boxes.float().unbind(-1)
    columns, rows = (
        (torch.minimum(high[..., None], edges[1:]) - torch.maximum(low[..., None], edges[:-1])).clamp_min(0) * FINEST
        for low, high in ((left, right), (top, bottom))
    )
    return rows[..., :, None] * columns[..., None, :] * present[..., None, None]
