"""Base models by their sizes."""

from __future__ import annotations

from typing import Any, cast

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel  # pyright: ignore[reportPrivateImportUsage]
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel

from ...diffusers_host.base import Base, new_schedule
from ...diffusers_host.text_encoders import TextEncoder
from ...models.clip import BOS, EOS, text_ids
from ...models.miniature.sizes import BaseSizes
from ...models.miniature.vae import MiniatureVAE
from ..world.captions import vocabulary
from .vae import DiffusersVAE


def new_base(sizes: BaseSizes, *, seed: int) -> Base:
    """Return a base model with random weights that predicts velocity under a schedule with zero terminal SNR.

    Args:
        sizes: of its networks.
        seed: of the weights.

    Returns:
        All networks ready to be trained, float32, on the CPU. Words that the world does not use are zeros to the text
        encoder, before the training and after it.

    Reference: velocity and zero terminal SNR as in arXiv:2305.08891.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Base(
            unet=cast(UNet2DConditionModel, UNet2DConditionModel.from_config(unet_config(sizes))),
            vae=cast(AutoencoderKL, DiffusersVAE(MiniatureVAE(sizes.vae, sizes.latent_channels))),
            text_encoders=(TextEncoder(module=_text_encoder(sizes), pad=EOS, last_layer=True),),
            family="sd15",
            prediction="v",
            schedule=new_schedule("v", zero_terminal=True),
        )


def unet_config(sizes: BaseSizes) -> dict[str, Any]:
    """Return the arguments of UNet2DConditionModel."""
    levels = len(sizes.unet)
    return {
        "in_channels": sizes.latent_channels,
        "out_channels": sizes.latent_channels,
        "down_block_types": ("CrossAttnDownBlock2D",) * levels,
        "up_block_types": ("CrossAttnUpBlock2D",) * levels,
        "block_out_channels": sizes.unet,
        "layers_per_block": sizes.blocks,
        "cross_attention_dim": sizes.text,
        "attention_head_dim": tuple(width // sizes.head for width in sizes.unet),  # numbers of heads, despite the name
    }


def _text_encoder(sizes: BaseSizes) -> CLIPTextModel:
    """Return CLIP-L with the whole vocabulary, so that markers, weights and embeddings work as they do with SD1.5."""
    module = CLIPTextModel(
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
    words = cast(nn.Embedding, module.get_input_embeddings()).weight
    unknown = torch.ones(len(words), dtype=torch.bool)
    unknown[[BOS, EOS, *text_ids(vocabulary())]] = False
    with torch.no_grad():
        words[unknown] = 0
    return module
