"""Weights in half precision with notes: how everything that ships is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ...training.whole_file import whole_file


def write_weights(
    path: Path, weights: Mapping[str, Tensor], metadata: Mapping[str, str], *, dtype: torch.dtype = torch.float16
) -> None:
    """Write tensors.

    Args:
        path: of the safetensors file; it appears when it is whole.
        weights: by key.
        metadata: notes for readers of the file.
        dtype: of floating point tensors in it; others stay as they are.
    """
    stored = {
        key: tensor.detach().to("cpu", dtype if tensor.is_floating_point() else tensor.dtype).contiguous()
        for key, tensor in weights.items()
    }
    with whole_file(path) as partial:
        save_file(stored, partial, dict(metadata))


def write_networks(path: Path, networks: Mapping[str, nn.Module], metadata: Mapping[str, str]) -> None:
    """Write networks, each under its prefix."""
    weights = {
        prefix + key: tensor for prefix, network in networks.items() for key, tensor in network.state_dict().items()
    }
    write_weights(path, weights, metadata)
