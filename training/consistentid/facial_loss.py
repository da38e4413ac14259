"""The facial loss: attention to a word of the face should stay inside the region that the word names.

ConsistentID (arXiv:2404.16771), section 3.2, facial attention localization; max-normalised as in the published code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from ...models.errors import ShapeError

SMALLEST = 1e-5  # added to every divisor


def facial_loss(
    maps: Sequence[Tensor], masks: Tensor, index: Tensor, index_mask: Tensor, *, normalize: bool = True
) -> Tensor:
    """Mean attention outside the regions minus mean attention inside, over words, pictures, heads and layers.

    Args:
        maps: attention probabilities of every layer, (B·heads, h·w, T), on square grids; rows of a picture together.
        masks: region of every word, (B, K, H, W), 0–1 in any number type.
        index: the words' columns, (B, K) int64.
        index_mask: which of the K words exist, (B, K) bool.
        normalize: divide every column by its largest value first.

    Returns:
        A scalar, float32; differentiable in `maps`.

    Raises:
        ShapeError: if there is no map, a grid is not square, or a word's column lies beyond the tokens.
    """
    if not maps:
        raise ShapeError("The facial loss got no attention maps; record at least one layer.")
    return torch.stack([_layer_loss(one, masks, index, index_mask, normalize) for one in maps]).mean()


def _layer_loss(scores: Tensor, masks: Tensor, index: Tensor, index_mask: Tensor, normalize: bool) -> Tensor:
    pictures = index.shape[0]
    side = math.isqrt(scores.shape[1])
    highest = int(torch.where(index_mask, index, 0).max())
    if side * side != scores.shape[1] or scores.shape[0] % pictures or highest >= scores.shape[2]:
        raise ShapeError(
            f"An attention map has shape {tuple(scores.shape)}; expected ({pictures} × heads, side × side, more than "
            f"{highest} tokens)."
        )
    heads = scores.shape[0] // pictures
    columns = rearrange(scores.float(), "(b a) l t -> b a t l", a=heads)
    places = index.clamp(max=scores.shape[2] - 1)[:, None, :, None].expand(-1, heads, -1, columns.shape[-1])
    shares = columns.gather(2, places)  # (B, heads, K, L)
    if normalize:
        shares = shares / (shares.amax(dim=-1, keepdim=True) + SMALLEST)
    inside = functional.interpolate(masks.float(), (side, side), mode="bilinear", antialias=True).flatten(2)[:, None]
    loss = _mean(shares, 1 - inside) - _mean(shares, inside)  # (B, heads, K)
    valid = index_mask.to(loss)[:, None]
    return ((loss * valid).sum(dim=-1) / (valid.sum(dim=-1) + SMALLEST)).mean()


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum(dim=-1) / (weights.sum(dim=-1) + SMALLEST)
