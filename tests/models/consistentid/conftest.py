"""A small random ConsistentID file in the published nesting."""

from __future__ import annotations

import pytest
import torch
from likeness.models.adapters.resampler import ResamplerSizes
from likeness.models.consistentid.facial_encoder import FacialEncoder
from likeness.models.consistentid.id_projection import IDProjection
from torch import Tensor

HEAD = 8
FACE, CLIP, WIDTH, TOKENS = 10, 12, 16, 4  # widths of face vector, CLIP features and context; ID tokens
CHANNELS, RANK = (8, 24), 3  # of two transformers: a self- and a cross-attention layer each


def random_weights(module: torch.nn.Module, seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {key: 0.3 * torch.randn(tensor.shape, generator=generator) for key, tensor in module.state_dict().items()}


def layers() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(3)
    found = {}
    for index in range(2 * len(CHANNELS)):
        channels = CHANNELS[index // 2]
        read = WIDTH if index % 2 else channels
        for part, inputs in (("q", channels), ("k", read), ("v", read), ("out", channels)):
            found[f"{index}.to_{part}_lora.down.weight"] = torch.randn(RANK, inputs, generator=generator)
            found[f"{index}.to_{part}_lora.up.weight"] = torch.randn(channels, RANK, generator=generator)
        if index % 2:
            for part in "kv":
                found[f"{index}.to_{part}_ip.weight"] = torch.randn(channels, WIDTH, generator=generator)
    return found


@pytest.fixture
def projection_weights() -> dict[str, Tensor]:
    sizes = ResamplerSizes(
        features=CLIP, dim=WIDTH, inner=WIDTH, dim_head=HEAD, hidden=4 * WIDTH, depth=2, output=WIDTH
    )
    return random_weights(IDProjection(FACE, 20, TOKENS, sizes), 1)


@pytest.fixture
def encoder_weights() -> dict[str, Tensor]:
    sizes = ResamplerSizes(features=CLIP, dim=24, inner=16, dim_head=HEAD, hidden=48, depth=2, output=WIDTH)
    module = FacialEncoder(sizes)
    torch.nn.init.zeros_(module.visual_projection.latents)
    return random_weights(module, 2)


@pytest.fixture
def consistentid_file(projection_weights, encoder_weights) -> dict[str, dict[str, Tensor]]:
    return {"image_proj": projection_weights, "FacialEncoder": encoder_weights, "adapter_modules": layers()}
