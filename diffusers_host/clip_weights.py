"""CLIP's weights in transformers' modules, whichever of the two key layouts the installed version has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..models.weights.state_dict import load_strictly


def fill_clip(module: Any, weights: Mapping[str, Tensor], prefix: str, name: str, dtype: torch.dtype) -> nn.Module:
    """Fill a module built on the meta device; the table of positions, no weight, is made anew.

    Args:
        module: of transformers.
        weights: keys without the prefix.
        prefix: what older versions of transformers put before every key, with its dot.
        name: what messages call the file.
        dtype: of the module.

    Raises:
        UnknownCheckpointError: if tensors are missing, unknown or of another shape.
    """
    prefix = prefix if any(key.startswith(prefix) for key in module.state_dict()) else ""
    filled = load_strictly(module, {prefix + key: tensor for key, tensor in weights.items()}, name, dtype=dtype)
    for path, buffer in list(filled.named_buffers()):
        owner, _, attribute = path.rpartition(".")
        device = next(filled.parameters()).device
        filled.get_submodule(owner).register_buffer(
            attribute, torch.arange(buffer.shape[-1], device=device)[None], persistent=False
        )
    return filled
