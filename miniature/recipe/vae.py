"""Training of the VAE on windows around faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from diffusers import AutoencoderKL  # pyright: ignore[reportPrivateImportUsage]
from torch import Tensor, nn

from ...models.errors import InvalidSettingError
from ...training.base import LATENT_SCALE
from ...training.draws import Draws
from ..regions import Region
from ..scene import Scene
from ..world import World
from .course import Course, follow

PEOPLE = (1, 4)  # in a picture
WINDOW = 64  # side of what is seen of a picture, pixels
ASIDE = 40  # how far the window's middle may be from that of a face, either way, pixels
FACE, EYES = 3.0, 20.0  # weight of their pixels beyond that of all pixels: irises are a few pixels large
DIVERGENCE = 1e-4  # weight of the Kullback-Leibler divergence per value of a latent
MEASURED = 256  # pictures that the spread of latents is measured on
MEASURED_SEED = 1  # of their world, beyond that of the course


def train_vae(vae: AutoencoderKL, course: Course, folder: Path) -> None:
    """Train a VAE from a seed; its latents are then as SD1.5's: spread 1 after multiplication by 0.18215.

    Args:
        vae: untrained.
        course: how.
        folder: of the checkpoints.

    Raises:
        InvalidSettingError: see `follow`.
    """
    world = World(seed=course.seed, with_regions=True)

    def loss(draws: Draws) -> Tensor:
        scene = world.scenes(draws.positions, people=PEOPLE)
        corners = window_corners(scene, draws)
        pixels, weights = cut(scene.image * 2 - 1, corners), cut(pixel_weights(scene), corners)
        return reconstruction_loss(vae, pixels, weights, draws)

    follow(course, vae, loss, folder)
    other = World(seed=course.seed + MEASURED_SEED)
    normalise_latents(vae, other.scenes(range(MEASURED), people=PEOPLE).image * 2 - 1)


def reconstruction_loss(vae: AutoencoderKL, pixels: Tensor, weights: Tensor, draws: Draws) -> Tensor:
    """Weighted distance between pictures and what the VAE makes of them, and the divergence of its latents.

    Args:
        vae: the VAE.
        pixels: (B, 3, H, W), -1 to 1.
        weights: of the pixels, (B, 1, H, W).
        draws: noise of the latents.

    Returns:
        A scalar.

    Reference: arXiv:1312.6114, Eq. 10, with absolute differences.
    """
    posterior: Any = cast(Any, vae.encode(pixels)).latent_dist  # pyright: ignore[reportArgumentType]
    latents = posterior.mean + posterior.std * draws.normal("latents", posterior.mean.shape[1:])
    again: Any = cast(Any, vae.decode(latents)).sample
    distance = ((again - pixels).abs() * weights).mean() / weights.mean()
    return distance + DIVERGENCE * posterior.kl().sum() / latents.numel()


def pixel_weights(scene: Scene) -> Tensor:
    """How much every pixel counts, (B, 1, S, S); eyes most.

    Raises:
        InvalidSettingError: if the scene has no regions.
    """
    if scene.regions is None:
        raise InvalidSettingError("These pictures have no regions; ask a World(with_regions=True) for them.")
    eyes = scene.regions[:, :, [Region.LEFT_EYE, Region.RIGHT_EYE]].sum((1, 2))
    return (1 + FACE * scene.faces.sum(1) + EYES * eyes)[:, None]


def window_corners(scene: Scene, draws: Draws) -> Tensor:
    """Top and left of a window near anybody's face in each picture, (B, 2) int64, pixels."""
    size = scene.image.shape[-1]
    who = (draws.uniform("who") * scene.present.sum(1)).long()
    boxes = scene.boxes[torch.arange(len(who)), who]
    middles = (boxes[:, [1, 0]] + boxes[:, [3, 2]]) / 2
    shifts = (2 * draws.uniform("window", (2,)) - 1) * ASIDE
    return (middles + shifts - WINDOW / 2).round().clamp(0, size - WINDOW).long()


def cut(pictures: Tensor, corners: Tensor) -> Tensor:
    """The windows of pictures (B, C, S, S), (B, C, `WINDOW`, `WINDOW`)."""
    return torch.stack(
        [
            picture[:, top : top + WINDOW, left : left + WINDOW]
            for picture, (top, left) in zip(pictures, corners.tolist(), strict=True)
        ]
    )


@torch.no_grad()
def normalise_latents(vae: AutoencoderKL, pixels: Tensor) -> None:
    """Give every channel of the latents mean 0 and the spread of SD1.5's, without a change of what is decoded.

    The layers before and after the latents take it up exactly: both are 1×1 convolutions.

    Args:
        vae: is changed.
        pixels: pictures that the spread is measured on, (B, 3, H, W), -1 to 1.
    """
    means = [cast(Any, vae.encode(part)).latent_dist.mean for part in pixels.split(32)]  # pyright: ignore[reportArgumentType]
    latents = torch.cat(means).transpose(0, 1).flatten(1)
    mean, factor = latents.mean(1), 1 / (latents.std(1) * LATENT_SCALE["sd15"])
    channels = len(mean)
    before, after = cast(nn.Conv2d, vae.quant_conv), cast(nn.Conv2d, vae.post_quant_conv)
    bias_before, bias_after = cast(Tensor, before.bias), cast(Tensor, after.bias)
    before.weight[:channels] *= factor[:, None, None, None]
    bias_before[:channels] = (bias_before[:channels] - mean) * factor
    bias_before[channels:] += 2 * factor.log()  # the other half is the logarithm of the variance
    bias_after += after.weight[:, :, 0, 0] @ mean
    after.weight /= factor[:, None, None]
