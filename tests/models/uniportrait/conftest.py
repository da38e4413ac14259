"""Small random UniPortrait files in the published nesting."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from likeness.models.face.iresnet import IResNet
from likeness.models.uniportrait.id_embedding import IDEmbedding, IDEmbeddingSizes
from torch import Tensor

SIZES = IDEmbeddingSizes(
    tokens=4, dim=16, dim_head=8, inner=16, depth=2, intrinsic=6, structure=10, hidden_intrinsic=12,
    hidden_structure=20, hidden_feed=32, output=12,
)  # fmt: skip
WIDTHS = {1: 8, 3: 16}  # C by cross-attention index
RANK = 3
IMAGE_WIDTH = 5  # of the pooled CLIP embedding


def _randn(generator: torch.Generator) -> Callable[..., Tensor]:
    return lambda *shape: torch.randn(*shape, generator=generator)


def _lora(randn: Callable[..., Tensor]) -> dict[str, Tensor]:
    layers = {}
    for index, channels in (pair for cross, width in WIDTHS.items() for pair in ((cross - 1, width), (cross, width))):
        for part in ("q", "k", "v", "out"):
            inputs = SIZES.output if index % 2 and part in "kv" else channels
            layers[f"{index}.to_{part}_lora.down.weight"] = randn(RANK, inputs)
            layers[f"{index}.to_{part}_lora.up.weight"] = randn(channels, RANK)
    return layers


@pytest.fixture
def faceid_file() -> dict[str, dict[str, Tensor]]:
    torch.manual_seed(3)
    module = IDEmbedding(SIZES)
    torch.nn.init.normal_(module.latents)
    randn = _randn(torch.Generator().manual_seed(4))
    layers = _lora(randn)
    for index, channels in WIDTHS.items():
        for part in ("k", "v"):
            layers[f"{index}.to_{part}_faceid.weight"] = randn(channels, SIZES.output)
    return {"faceid_proj": dict(module.state_dict()), "faceid_adapter": layers}


@pytest.fixture
def router_file() -> dict[str, dict[str, Tensor]]:
    randn = _randn(torch.Generator().manual_seed(5))
    layers = _lora(randn)
    for index, channels in WIDTHS.items():
        layers[f"{index}.to_q_router.0.weight"] = randn(2 * channels, channels)
        layers[f"{index}.to_q_router.0.bias"] = randn(2 * channels)
        layers[f"{index}.to_q_router.2.weight"] = randn(channels, 2 * channels)
        layers[f"{index}.to_k_router.0.weight"] = randn(24, SIZES.output)
        layers[f"{index}.to_k_router.0.bias"] = randn(24)
        layers[f"{index}.to_k_router.2.weight"] = randn(channels, 24)
        layers[f"{index}.aggr_router.weight"] = randn(1, SIZES.tokens)
        layers[f"{index}.aggr_router.bias"] = randn(1)
    return {"faceid_adapter": layers}


@pytest.fixture
def image_prompt_file() -> dict[str, dict[str, Tensor]]:
    randn = _randn(torch.Generator().manual_seed(6))
    width = SIZES.output
    projection = {"proj.weight": randn(4 * width, IMAGE_WIDTH), "proj.bias": randn(4 * width)}
    projection |= {"norm.weight": randn(width), "norm.bias": randn(width)}
    layers = {f"{i}.to_{part}_ip.weight": randn(c, width) for i, c in WIDTHS.items() for part in ("k", "v")}
    return {"image_proj": projection, "ip_adapter": layers}


@pytest.fixture
def backbone_file() -> dict[str, Tensor]:
    torch.manual_seed(7)
    return dict(IResNet(4, [(4, 1), (6, 1), (8, 1), (10, 1)]).eval().state_dict())
