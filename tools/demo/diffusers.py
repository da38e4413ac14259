"""The demo without ComfyUI: the same networks on diffusers."""

from __future__ import annotations

import torch
from torch import Tensor

from ...diffusers_host.noise_levels import cpu_noise
from ...miniature.studio.drawing import Settings, decode
from ...miniature.studio.studio import Shot, Studio
from ...models.records.routing_map import draw
from .scene import ARMS, SEED, SIZE, Arm, Scene

Drawn = tuple[dict[Arm, Tensor], Tensor]


def draw_on_diffusers(scene: Scene) -> Drawn:
    """All arms.

    Returns:
        Pictures (B, 3, H, W), 0–1, by arm, and the routing maps (B, h, w, 3) of the last.
    """
    studio = Studio.load()
    noise = cpu_noise(SEED, (scene.pictures, studio.base.unet.config["in_channels"], SIZE // 8, SIZE // 8))
    settings = Settings(steps=scene.steps, guidance=scene.guidance)
    pictures: dict[Arm, Tensor] = {}
    maps = torch.zeros(0)
    for arm in ARMS:
        shot = Shot(
            prompt=scene.prompt(arm),
            noise=noise,
            references=scene.references[: arm.people],
            strength=scene.strength,
            structure_scale=scene.structure_scale[arm.people > 1],
            is_routed=arm.is_routed,
        )
        latents, placed = studio.draw(shot, settings)
        pictures[arm] = decode(studio.base, latents)
        if placed is not None:
            maps = draw(placed)
    return pictures, maps
