"""Untrained base models."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel  # pyright: ignore[reportPrivateImportUsage]
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel

from ...models.clip_tokens import BOS, EOS
from ...training.base import Base, new_schedule
from ...training.base_layout import LAYERS, SD15_HEADS
from ...training.text_encoders import TextEncoder
from .sizes import BaseSizes

LOG_VARIANCE = -6.0  # of untrained latents, whose noise would otherwise hide them


def new_base(sizes: BaseSizes, *, seed: int) -> Base:
    """A base model with random weights that predicts velocity under a schedule with zero terminal SNR.

    Args:
        sizes: of its networks.
        seed: of the weights.

    Returns:
        All networks ready to be trained, float32, on the CPU.

    Reference: velocity and zero terminal SNR as in arXiv:2305.08891.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Base(
            unet=_unet(sizes),
            vae=_vae(sizes),
            text_encoders=(TextEncoder(module=_text_encoder(sizes), pad=EOS, last_layer=True),),
            family="sd15",
            prediction="v",
            schedule=new_schedule("v", zero_terminal=True),
        )


def _unet(sizes: BaseSizes) -> UNet2DConditionModel:
    levels = len(sizes.unet)
    return UNet2DConditionModel(
        in_channels=sizes.latent_channels,
        out_channels=sizes.latent_channels,
        down_block_types=("CrossAttnDownBlock2D",) * levels,
        up_block_types=("CrossAttnUpBlock2D",) * levels,
        block_out_channels=sizes.unet,
        layers_per_block=LAYERS,
        cross_attention_dim=sizes.text,
        attention_head_dim=SD15_HEADS,  # the number of heads, whatever its name
    )


def _vae(sizes: BaseSizes) -> AutoencoderKL:
    levels = len(sizes.vae)
    arguments: dict[str, Any] = {  # diffusers annotates tuples as if they had one element
        "latent_channels": sizes.latent_channels,
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "block_out_channels": sizes.vae,
        "layers_per_block": LAYERS,
    }
    vae = AutoencoderKL(**arguments)
    moments: Any = vae.quant_conv
    nn.init.constant_(moments.bias.detach()[sizes.latent_channels :], LOG_VARIANCE)
    return vae


def _text_encoder(sizes: BaseSizes) -> CLIPTextModel:
    """CLIP-L with the whole vocabulary, so that markers, weights and embeddings work as they do with SD1.5."""
    return CLIPTextModel(
        CLIPTextConfig(
            hidden_size=sizes.text,
            intermediate_size=4 * sizes.text,
            num_hidden_layers=sizes.text_layers,
            num_attention_heads=sizes.text_heads,
            hidden_act="quick_gelu",
            bos_token_id=BOS,
            eos_token_id=EOS,
        )
    )
