"""Single pictures on a base model: the noise that they begin with, one call of the UNet, and their pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from ..models.errors import IncompatibleBaseModelError
from .attention import find_sites
from .base import Base
from .text_encoders import TextCondition


def cpu_noise(seed: int, shape: Sequence[int]) -> Tensor:
    """Return the noise that ComfyUI begins with, whatever the device."""
    return torch.randn(*shape, generator=torch.Generator("cpu").manual_seed(seed))


def ask_unet(base: Base, latents: Tensor, timesteps: Tensor, text: TextCondition, sizes: Tensor) -> Tensor:
    """What the UNet says about latents, in its own type.

    Args:
        base: whatever is attached to its UNet takes part.
        latents: (B, C, h, w).
        timesteps: (B,).
        text: of B prompts.
        sizes: height and width of the whole picture, top and left of the crop, height and width of the crop, (B, 6); read by
            SDXL alone.

    Returns:
        (B, C, h, w).
    """
    dtype, given = base.unet.dtype, dict[str, Any]()
    if text.pooled is not None:
        given["added_cond_kwargs"] = {"text_embeds": text.pooled.to(dtype), "time_ids": sizes.to(dtype)}
    return base.unet(latents.to(dtype), timesteps, encoder_hidden_states=text.tokens.to(dtype), **given).sample


def decode_picture(base: Base, latents: Tensor) -> np.ndarray:
    """Latents of one picture as the UNet takes them, (1, C, h, w), to its pixels, (H, W, 3) uint8."""
    pixels: Any = base.vae.decode(latents / base.latent_scale)  # pyright: ignore[reportArgumentType]
    values = ((pixels.sample[0] + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return rearrange(values, "c h w -> h w c").cpu().numpy()


def require_fit(base: Base, widths: Mapping[int, int], context: int, *, name: str) -> None:
    """Refuse an adapter that was trained for another architecture than a base model's.

    Args:
        base: the base model.
        widths: C of every cross-attention layer that the adapter knows, by site index.
        context: width of the text context that the adapter was trained with.
        name: of the adapter's file.

    Raises:
        IncompatibleBaseModelError: naming what both sides are.
    """
    found = {site.index: site.channels for site in find_sites(base.unet) if site.kind == "cross"}
    own = int(base.unet.config["cross_attention_dim"])
    if found != dict(widths) or own != context:
        raise IncompatibleBaseModelError(
            f"{name} fits a UNet with {len(widths)} cross-attention layers and a context {context} wide, this one has "
            f"{len(found)} and {own}; name a checkpoint of the architecture that the adapter was trained for."
        )
