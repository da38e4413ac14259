"""Pictures from captions and noise, with whatever is attached to the UNet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...diffusers_host.attention import attach
from ...diffusers_host.base import Base
from ...diffusers_host.guidance import Guided, GuidedRun
from ...diffusers_host.looking import NOBODY, Looks
from ...diffusers_host.prompted import Prompted
from ...models.adapters.weights import LoRA
from ...models.port.attention import AttentionResidual, Run
from ...models.port.guidance import NoiseLevels
from .euler import sample_euler
from .kept import Kept


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
    residual: AttentionResidual | Sequence[AttentionResidual] | None = None,
    lora: LoRA | None = None,
    run: Run | None = None,
    guided: Guided | None = None,
    looks: Looks = NOBODY,
) -> Tensor:
    """Draw pictures as latents, the negative prompt empty.

    Args:
        base: the miniature.
        prompts: one per picture.
        noise: standard normal, (B, C, h, w).
        settings: how.
        residual, lora: attached to the UNet for the time; several residuals are added up.
        run: caches and recorder of the residual.
        guided: what pulls at the pictures; None for nothing.
        looks: who looks for the people that the residual places.

    Returns:
        As the UNet takes them, (B, C, h, w).
    """
    prompted = Prompted.of(base, prompts, run or Run())
    return draw_prompted(prompted, noise, settings, residual=residual, lora=lora, guided=guided, looks=looks)


@torch.no_grad()
def draw_prompted(
    prompted: Prompted,
    noise: Tensor,
    settings: Settings,
    *,
    residual: AttentionResidual | Sequence[AttentionResidual] | None = None,
    lora: LoRA | None = None,
    guided: Guided | None = None,
    looks: Looks = NOBODY,
    kept: Kept | None = None,
) -> Tensor:
    """Draw pictures as latents, of whatever the UNet is given in place of prompts.

    Args:
        prompted: the UNet with what it reads on both sides of guidance.
        kept: what of other pictures stays as it is; None draws everything.
        noise, settings, residual, lora, guided, looks: see `draw_latents`.

    Returns:
        As the UNet takes them, (B, C, h, w).
    """
    base, run = prompted.base, prompted.context.run or Run()
    attached = tuple(each for each in (residual, lora) if each is not None)
    guiding = None if guided is None else GuidedRun(prompted, guided, settings.guidance, attached)

    def predict(latents: Tensor, timestep: int, sigma: float) -> Tensor:
        ask = prompted.both if guiding is None or not guiding.is_active(sigma) else guiding.velocities
        shown = latents if kept is None else kept.put_into(latents, noise, sigma)
        with looks.reading(base.unet, run, shown, sigma):
            away, towards = ask(shown, timestep, sigma)
        return away + settings.guidance * (towards - away)

    def correct(denoised: Tensor, levels: NoiseLevels) -> Tensor:
        looks.look(run, levels.current, denoised / base.latent_scale)
        denoised = denoised if guiding is None else guiding.correct(denoised, levels)
        return denoised if kept is None else kept.restore(denoised)

    detach = attach(base.unet, residual, lora=lora, context=prompted.context)
    try:
        return sample_euler(predict, noise, settings.steps, correct)
    finally:
        detach()


@torch.no_grad()
def decode(base: Base, latents: Tensor) -> Tensor:
    """Return pictures (B, 3, H, W), 0–1, of latents as the UNet takes them."""
    pixels: Any = base.vae.decode(latents / base.latent_scale)  # pyright: ignore[reportArgumentType]
    return (pixels.sample / 2 + 0.5).clamp(0, 1)
