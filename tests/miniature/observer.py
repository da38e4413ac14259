"""An ideal observer: it is told where everything is, and reads colours from the pixels alone."""

from __future__ import annotations

import torch
from likeness.miniature.world import palette
from likeness.miniature.world.regions import Region
from likeness.miniature.world.scene import Scene
from torch import Tensor

SKIN, HAIR, EYES = ([Region.SKIN], [Region.HAIR], [Region.LEFT_EYE, Region.RIGHT_EYE])
NEAR = 0.04  # distance in RGB within which a pixel speaks for a colour
SURE = 0.9  # share of a pixel that has to belong to a region


def read_colours(scene: Scene) -> Tensor:
    """Codes of skin, hair and eyes of everybody as seen, (B, N, 3); the light is judged by the background."""
    behind = 1 - scene.instances.sum(1, keepdim=True)
    light = (scene.image * behind).sum((2, 3)) / behind.sum((2, 3)) / palette.GROUND
    pixels = (scene.image / light[:, :, None, None])[:, None]
    skin, hair, eyes = (scene.regions[:, :, regions].sum(2) > SURE for regions in (SKIN, HAIR, EYES))
    eye_colours = torch.cat((palette.EYES, palette.WHITE[None], palette.DARK[None]))
    votes = (
        _votes(pixels, skin, palette.SKIN),
        _votes(pixels, hair, palette.HAIR),
        _votes(pixels, eyes, eye_colours)[..., : len(palette.EYES)],
    )
    return torch.stack([vote.argmax(-1) for vote in votes], -1)


def _votes(pixels: Tensor, mask: Tensor, colours: Tensor) -> Tensor:
    """How many pixels of a mask speak for each colour, (B, N, C)."""
    distances = (pixels[:, :, None] - colours[:, :, None, None]).square().sum(3)
    return (torch.exp(-distances / (2 * NEAR**2)) * mask[:, :, None]).sum((-2, -1))
