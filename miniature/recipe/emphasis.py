"""What adapters look at while they learn: the parts of a picture that tell people apart are small."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import avg_pool2d

from ...models.miniature.vae import FACTOR
from ..world.regions import Region
from ..world.scene import Scene

POWER = 0.5  # of timesteps: a latent of 16 by 16 is decided at high noise levels
PARTS = ((Region.SKIN,), (Region.HAIR,), (Region.LEFT_EYE, Region.RIGHT_EYE))  # what a score of likeness counts


def part_weights(scene: Scene) -> Tensor:
    """Return the weights of latent positions: each part of each person weighs as much as all of the picture.

    Args:
        scene: with regions.

    Returns:
        (B, 1, h, w) float32, at least 1.
    """
    assert scene.regions is not None
    batch, people = scene.regions.shape[:2]
    weights = scene.image.new_ones(batch, people, scene.image.shape[-2] // FACTOR, scene.image.shape[-1] // FACTOR)
    for part in PARTS:
        shown = avg_pool2d(scene.regions[:, :, list(part)].sum(2), FACTOR)
        area = shown.sum((-2, -1), keepdim=True)
        weights = weights + shown * (shown[0, 0].numel() / (area + 1))
    return weights.mean(1, keepdim=True)
