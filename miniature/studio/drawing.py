"""Pictures from captions and noise, with whatever is attached to the UNet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...models.adapter_layers import LoRA
from ...models.attention import AttentionResidual, Run
from ...training.base import Base
from ...training.diffusers_host import RunContext, attach, guidance_pair
from ...training.text_encoders import encode_prompts
from .euler import sample_euler


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How pictures are drawn.

    Attributes:
        steps: of Euler's method.
        guidance: classifier-free, as ComfyUI's cfg.
    """

    steps: int = 20
    guidance: float = 2.0


@torch.no_grad()
def draw_latents(
    base: Base,
    prompts: Sequence[str],
    noise: Tensor,
    settings: Settings,
    *,
    residual: AttentionResidual | None = None,
    lora: LoRA | None = None,
    run: Run | None = None,
) -> Tensor:
    """Latents of pictures, the negative prompt empty.

    Args:
        base: the miniature.
        prompts: one per picture.
        noise: standard normal, (B, C, h, w).
        settings: how.
        residual, lora: attached to the UNet for the time.
        run: caches and recorder of the residual.

    Returns:
        As the UNet takes them, (B, C, h, w).
    """
    text = encode_prompts(base.text_encoders, ["", *prompts]).tokens
    text = torch.cat((text[:1].expand(len(prompts), -1, -1), text[1:]))
    context = RunContext(polarities=guidance_pair, sigma=0.0, run=run or Run())

    def predict(latents: Tensor, timestep: int, sigma: float) -> Tensor:
        context.sigma = sigma
        said: Any = base.unet(torch.cat((latents, latents)), timestep, encoder_hidden_states=text)
        away, towards = said.sample.chunk(2)
        return away + settings.guidance * (towards - away)

    detach = attach(base.unet, residual, lora=lora, context=context)
    try:
        return sample_euler(predict, noise, settings.steps)
    finally:
        detach()


@torch.no_grad()
def decode(base: Base, latents: Tensor) -> Tensor:
    """Pictures (B, 3, H, W), 0–1, of latents as the UNet takes them."""
    pixels: Any = base.vae.decode(latents / base.latent_scale)  # pyright: ignore[reportArgumentType]
    return (pixels.sample / 2 + 0.5).clamp(0, 1)
