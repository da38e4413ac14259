"""Weights of the ConsistentID reference runs: random tensors made from key names with torch's generator."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def weight(prefix: str, key: str, shape: Sequence[int]) -> Tensor:
    """The tensor that the reference run had under a key.

    Args:
        prefix: of the group, with its dot; the seed is made of prefix and key.
        key: name inside the group.
        shape: of the tensor.

    Returns:
        float32, or int64 for a counter.
    """
    name, size = prefix + key, tuple(shape)
    generator = torch.Generator("cpu").manual_seed(zlib.crc32(name.encode()))
    if name.endswith("num_batches_tracked"):
        return torch.zeros(size, dtype=torch.int64)
    if name.endswith("running_var"):
        return 0.5 + torch.rand(size, generator=generator)
    values = torch.randn(size, generator=generator)
    if name.endswith("running_mean"):
        return 0.1 * values
    if name.endswith(("latents", "embedding.weight")) or "embedding" in name.rsplit(".", 1)[-1]:
        return values / math.sqrt(size[-1])
    if len(size) == 1:
        return 1 + 0.1 * values if name.endswith("weight") else 0.02 * values
    return values / math.sqrt(math.prod(size[1:]))


def weights(prefix: str, shapes: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
    """All tensors of a group."""
    return {key: weight(prefix, key, shape) for key, shape in shapes.items()}
