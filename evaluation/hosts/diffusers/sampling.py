"""Samplers of diffusers under classifier-free guidance, with whatever is attached to the UNet."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from typing import Any

import diffusers
import torch
from torch import Tensor

from ....diffusers_host.attention import RunContext, all_positive, attach, guidance_pair
from ....diffusers_host.base import Base
from ....diffusers_host.prompted import ask_unet
from ....diffusers_host.text_encoders import TextCondition
from ....models.adapters.weights import LoRA
from ....models.port.attention import AttentionResidual, Run
from .config import SamplerName, Spacing
from .method import TextAt

SCHEDULERS: dict[SamplerName, str] = {
    "ddim": "DDIMScheduler",
    "euler": "EulerDiscreteScheduler",
    "dpmpp_2m": "DPMSolverMultistepScheduler",
}
LEADING = {"steps_offset": 1, "set_alpha_to_one": False}  # as published beside SD1.5 and SDXL


def new_sampler(base: Base, name: SamplerName, spacing: Spacing, steps: int) -> Any:
    """A scheduler of diffusers for one picture; DDIM is deterministic (arXiv:2010.02502, Eq. 12 with σ = 0)."""
    kind: Any = getattr(diffusers, SCHEDULERS[name])
    more = LEADING if spacing == "leading" else {}
    known = {name: value for name, value in more.items() if name in signature(kind).parameters}
    schedule = kind.from_config(base.schedule.config, timestep_spacing=spacing, **known)
    schedule.set_timesteps(steps)
    return schedule


@torch.no_grad()
def sample(
    base: Base,
    schedule: Any,
    noise: Tensor,
    text: TextAt,
    *,
    guidance: float,
    size: tuple[int, int],
    residuals: Sequence[AttentionResidual] = (),
    lora: LoRA | None = None,
) -> Tensor:
    """Draw one picture.

    Args:
        base: the base model; stays as it is.
        schedule: of `new_sampler`.
        noise: standard normal, (1, C, h, w).
        text: what is read at a step.
        guidance: of 1 the negative side is not asked.
        size: height and width, pixels.
        residuals, lora: attached for the time.

    Returns:
        Latents as the UNet takes them, (1, C, h, w) float32 on the device of the UNet.
    """
    device, rows = base.unet.device, 1 if guidance == 1 else 2
    sizes = torch.tensor([[*size, 0, 0, *size]], device=device).expand(rows, -1)
    context = RunContext(polarities=all_positive if rows == 1 else guidance_pair, run=Run())
    latents = noise.to(device) * schedule.init_noise_sigma
    detach = attach(base.unet, residuals, lora=lora, context=context)
    try:
        for number, timestep in enumerate(schedule.timesteps):
            seen = schedule.scale_model_input(latents, timestep).expand(rows, -1, -1, -1)
            read = _sides(text(number), rows)
            said = ask_unet(base, seen, timestep.to(device).expand(rows), read, sizes).float()
            if rows == 2:
                away, towards = said.chunk(2)
                said = away + guidance * (towards - away)
            latents = schedule.step(said, timestep, latents).prev_sample
    finally:
        detach()
    return latents


def _sides(text: TextCondition, rows: int) -> TextCondition:
    """The last rows of both sides' texts: the positive one alone where the other is not asked."""
    return TextCondition(tokens=text.tokens[-rows:], pooled=None if text.pooled is None else text.pooled[-rows:])
