"""Training of the VAE on windows around faces."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ....diffusers_host.base import LATENT_SCALE
from ....models.errors import InvalidSettingError
from ....models.miniature.vae import MiniatureVAE
from ....training.batches.draws import Draws
from ...world.regions import Region
from ...world.scene import Scene
from ...world.world import World
from ..loop import train
from ..train_config import TrainConfig

PEOPLE = (1, 2)  # in a picture
WINDOW = 64  # side of what is seen of a picture, pixels
WINDOWS = 2  # of a picture: drawing it takes as long as learning from one
ASIDE = 40  # how far the window's middle may be from that of a face, either way, pixels
FACE, EYES = 3.0, 20.0  # weight of their pixels beyond that of all pixels: irises are a few pixels large
NOISE = 0.05  # on latents while training, which makes them smooth; their own spread is held near 1
SPREAD = 1e-3  # weight of the latents' squares
MEASURED_SEED = 1  # of their world, beyond that of the training


def train_vae(vae: MiniatureVAE, config: TrainConfig, folder: Path, *, measured: int) -> None:
    """Train a VAE from a seed; its latents are then as SD1.5's: spread 1 after multiplication by 0.18215.

    Args:
        vae: untrained.
        config: how.
        folder: of the checkpoints.
        measured: pictures that the spread of latents is measured on.

    Raises:
        InvalidSettingError: see `train`.
    """
    world = World(seed=config.seed, with_regions=True)

    def loss(draws: Draws) -> Tensor:
        scene = world.scenes(draws.positions, people=PEOPLE)
        corners = window_corners(scene, draws)
        pixels, weights = cut(scene.image * 2 - 1, corners), cut(pixel_weights(scene), corners)
        return reconstruction_loss(vae, pixels, weights, draws)

    train(config, vae, loss, folder)
    other = World(seed=config.seed + MEASURED_SEED)
    normalise_latents(vae, other.scenes(range(measured), people=PEOPLE).image * 2 - 1)


def reconstruction_loss(vae: MiniatureVAE, pixels: Tensor, weights: Tensor, draws: Draws) -> Tensor:
    """Weighted distance between pictures and what the VAE makes of their noisy latents, and the latents' squares.

    Args:
        vae: the VAE.
        pixels: (B, 3, H, W), -1 to 1.
        weights: of the pixels, (B, 1, H, W).
        draws: noise of the latents; a row of them may have several pictures.

    Returns:
        A scalar.

    Reference: arXiv:1312.6114, Eq. 10, with absolute differences and one spread of noise for all latents.
    """
    latents = vae.encode(pixels)
    noise = draws.normal("latents", (len(latents) // len(draws.positions), *latents.shape[1:])).flatten(0, 1)
    again = vae.decode(latents + NOISE * noise)
    distance = ((again - pixels).abs() * weights).mean() / weights.mean()
    return distance + SPREAD * latents.square().mean()


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
    """Top and left of windows near anybody's face in each picture, (B, `WINDOWS`, 2) int64, pixels."""
    size = scene.image.shape[-1]
    who = (draws.uniform("who", (WINDOWS,)) * scene.present.sum(1, keepdim=True)).long()
    boxes = scene.boxes[torch.arange(len(who))[:, None], who]
    middles = (boxes[..., [1, 0]] + boxes[..., [3, 2]]) / 2
    shifts = (2 * draws.uniform("window", (WINDOWS, 2)) - 1) * ASIDE
    return (middles + shifts - WINDOW / 2).round().clamp(0, size - WINDOW).long()


def cut(pictures: Tensor, corners: Tensor) -> Tensor:
    """The windows of pictures (B, C, S, S), those of the first picture first, (B·`WINDOWS`, C, `WINDOW`, `WINDOW`)."""
    return torch.stack(
        [
            picture[:, top : top + WINDOW, left : left + WINDOW]
            for picture, places in zip(pictures, corners.tolist(), strict=True)
            for top, left in places
        ]
    )


@torch.no_grad()
def normalise_latents(vae: MiniatureVAE, pixels: Tensor) -> None:
    """Give every channel of the latents mean 0 and the spread of SD1.5's, without a change of what is decoded.

    The layers before and after the latents take it up exactly: both are 1×1 convolutions.

    Args:
        vae: is changed.
        pixels: pictures that the spread is measured on, (B, 3, H, W), -1 to 1.
    """
    latents = torch.cat([vae.encode(part) for part in pixels.split(32)]).transpose(0, 1).flatten(1)
    mean, factor = latents.mean(1), 1 / (latents.std(1) * LATENT_SCALE["sd15"])
    before, after = cast(nn.Conv2d, vae.encoder[-1]), cast(nn.Conv2d, vae.decoder[0])
    bias_before, bias_after = cast(Tensor, before.bias), cast(Tensor, after.bias)
    before.weight *= factor[:, None, None, None]
    bias_before.copy_((bias_before - mean) * factor)
    bias_after += after.weight[:, :, 0, 0] @ mean
    after.weight /= factor[:, None, None]
