"""Tiny diffusers UNets in the layout of SD1.5 and SDXL, and their inputs."""

from __future__ import annotations

from typing import Any

import pytest
import torch

SD15: dict[str, Any] = {
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
    "block_out_channels": (32, 64, 64, 64),
    "attention_head_dim": 4,  # the number of heads, whatever its name
}
SDXL: dict[str, Any] = {
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "block_out_channels": (32, 64, 64),
    "attention_head_dim": (2, 4, 4),
    "transformer_layers_per_block": (1, 2, 3),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 6 * 8 + 16,
}


def build(layout: dict[str, Any]):
    from diffusers import UNet2DConditionModel  # pyright: ignore[reportPrivateImportUsage]

    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8, cross_attention_dim=24, layers_per_block=2, norm_num_groups=8, **layout
    ).eval()
    return unet.requires_grad_(False)


@pytest.fixture(scope="session")
def sd15():
    pytest.importorskip("diffusers")
    return build(SD15)


@pytest.fixture(scope="session")
def sdxl():
    pytest.importorskip("diffusers")
    return build(SDXL)


@pytest.fixture(params=["sd15", "sdxl"])
def unet(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def inputs():
    """A function: number of rows and UNet to keyword arguments of one call."""

    def make(unet, rows: int = 2, height: int = 8, width: int = 8):
        generator = torch.Generator().manual_seed(rows)
        given: dict[str, Any] = {
            "sample": torch.randn(rows, 4, height, width, generator=generator),
            "timestep": torch.tensor(500),
            "encoder_hidden_states": torch.randn(rows, 7, 24, generator=generator),
        }
        if unet.config.addition_embed_type == "text_time":
            pooled = torch.randn(rows, 16, generator=generator)
            given["added_cond_kwargs"] = {"text_embeds": pooled, "time_ids": torch.ones(rows, 6)}
        return given

    return make
