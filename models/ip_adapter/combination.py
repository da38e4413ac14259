"""Several pictures in one adapter, and what its strength scales: the choices that users of ComfyUI_IPAdapter_plus know."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from einops import rearrange
from torch import Tensor

from ..errors import InvalidSettingError

Combination = Literal["concat", "add", "subtract", "average", "norm average"]
Scaling = Literal["V only", "K+V", "K+V w/ C penalty", "K+mean(V) w/ C penalty"]
COMBINATIONS: tuple[Combination, ...] = get_args(Combination)
SCALINGS: tuple[Scaling, ...] = get_args(Scaling)
WIDEST = 1280  # C of the widest layers of SD1.5 and SDXL, which the penalty leaves as they are


def combine(encoded: Tensor, how: Combination) -> Tensor:
    """Combine what an encoder said about N pictures, before the projection.

    Args:
        encoded: pooled embeddings (N, E) or tokens (N, S, E); N at least 1.
        how: "concat" leaves them apart, for `join` after the projection; "add" sums; "subtract" takes the mean of the others
            from the first; "average" is the mean; "norm average" is the mean of e / ‖e‖, the norm taken over the pictures,
            value by value.

    Returns:
        (M, …): M is N for "concat", else 1.

    Raises:
        InvalidSettingError: if there is no such combination.
    """
    match how:
        case "concat":
            return encoded
        case "add":
            return encoded.sum(dim=0, keepdim=True)
        case "subtract":
            return encoded[:1] - encoded[1:].mean(dim=0, keepdim=True) if len(encoded) > 1 else encoded
        case "average":
            return encoded.mean(dim=0, keepdim=True)
        case "norm average":
            norm = encoded.norm(dim=0, keepdim=True).clamp_min(torch.finfo(encoded.dtype).tiny)
            return (encoded / norm).mean(dim=0, keepdim=True)
    raise InvalidSettingError(f'Pictures cannot be combined by "{how}"; choose one of {", ".join(COMBINATIONS)}.')


def join(tokens: Tensor) -> Tensor:
    """Tokens of M pictures (M, T, D) behind one another, (1, M·T, D): one softmax over all of them."""
    return rearrange(tokens, "m t d -> 1 (m t) d")


def scale(keys: Tensor, values: Tensor, strength: float, how: Scaling) -> tuple[Tensor, Tensor]:
    """Keys and values of image tokens at a strength.

    Args:
        keys, values: (..., T, C), of one layer.
        strength: any number; 1 changes nothing, except with a penalty in layers that are not 1280 wide.
        how: "V only" scales what is added, as published; "K+V" also how sharply it is attended to; "w/ C penalty" multiplies
            the strength by C / 1280; "mean(V)" scales only the mean of the values over the tokens.

    Raises:
        InvalidSettingError: if there is no such scaling.
    """
    if how in ("K+V w/ C penalty", "K+mean(V) w/ C penalty"):
        strength = strength * keys.shape[-1] / WIDEST
    match how:
        case "V only":
            return keys, strength * values
        case "K+V" | "K+V w/ C penalty":
            return strength * keys, strength * values
        case "K+mean(V) w/ C penalty":
            mean = values.mean(dim=-2, keepdim=True)
            return strength * keys, values + (strength - 1) * mean
    raise InvalidSettingError(f'Strength cannot scale "{how}"; choose one of {", ".join(SCALINGS)}.')
