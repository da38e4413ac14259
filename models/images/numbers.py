"""Tensors from sockets, which may hold anything: what is computed with are finite floats of a bearable size."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import BadImageError

MOST_PIXELS = 100_000_000  # of a picture or mask; one of 10,000 by 10,000
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def as_floats(given: object, name: str) -> Tensor:
    """A tensor that can be computed with.

    Args:
        given: of a socket.
        name: what a message calls it.

    Returns:
        The tensor itself if it is one of floats, else its bools, integers or 8-bit floats as float32.

    Raises:
        BadImageError: if it is no tensor, or one of another layout: meta, sparse, complex, quantised.
    """
    if not isinstance(given, Tensor):
        raise BadImageError(
            f"{name} is a {type(given).__name__}, but a tensor is needed; connect an IMAGE or MASK output."
        )
    seen = _peculiar(given)
    if seen:
        raise BadImageError(
            f"{name} is a {seen} tensor, which has no pixels to work with; connect an IMAGE or MASK output."
        )
    return given if given.dtype in FLOATS else given.to(torch.float32)


def require_size(given: Tensor, height: int, width: int, name: str) -> None:
    """Check that nobody is kept waiting for minutes.

    Args:
        given: a picture or mask.
        height, width: its sides, pixels.
        name: what a message calls it.

    Raises:
        BadImageError: if a single picture of it has more than `MOST_PIXELS`.
    """
    if height * width > MOST_PIXELS:
        raise BadImageError(
            f"{name} has shape {tuple(given.shape)}, and {width}×{height} pixels are more than {MOST_PIXELS:,}; scale it down first."
        )


def _peculiar(given: Tensor) -> str:
    """What keeps a tensor from being computed with, in one word; empty where nothing does."""
    if given.is_meta:
        return "meta"
    if given.is_quantized:
        return "quantised"
    if given.layout is not torch.strided:
        return "sparse"
    return "complex" if given.is_complex() else ""
