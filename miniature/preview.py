"""Fits the preview of the miniature's latents to pictures of its world: `python -m likeness.miniature.preview` prints what
`models/miniature/preview.py` holds.

While ComfyUI samples, it shows latents as small pictures: every place's channels by a matrix to red, green and blue. The matrix is found
by least squares between the latents of drawn pictures and these pictures at an eighth of their side.
"""

from __future__ import annotations

import sys

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ..models.miniature.files import BASE, VAE, read_base_file
from ..models.miniature.preview import BIAS, FACTORS, LATENT_SCALE
from ..models.miniature.vae import FACTOR, MiniatureVAE
from ..models.weights.state_dict import load_strictly, subset
from .world.world import World

SEED = 2300
PICTURES = 256
PEOPLE = (1, 2)  # fewest and most in a picture
DIGITS = 4


def fit(pictures: int = PICTURES, seed: int = SEED) -> tuple[Tensor, Tensor]:
    """Draw scenes and fit the preview to them.

    Args:
        pictures: how many.
        seed: of the world.

    Returns:
        Factors (C, 3) and bias (3): of scaled latents to colours from -1 to 1.
    """
    latents, small = pairs(pictures, seed)
    known = torch.cat([latents, torch.ones(len(latents), 1)], dim=1)
    found = torch.linalg.lstsq(known, small).solution
    return found[:-1], found[-1]


def correlation(pictures: int, seed: int) -> float:
    """How well the preview that ships follows the pictures of a world: Pearson's r over all places and colours.

    Args:
        pictures: how many.
        seed: of the world.
    """
    latents, small = pairs(pictures, seed)
    shown = latents @ torch.tensor(FACTORS) + torch.tensor(BIAS)
    return float(torch.corrcoef(torch.stack([shown.flatten(), small.flatten()]))[0, 1])


@torch.no_grad()
def pairs(pictures: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw scenes and encode them.

    Args:
        pictures: how many.
        seed: of the world.

    Returns:
        Scaled latents (P, C) and the mean colours there (P, 3), -1 to 1, for all P places of all pictures.
    """
    weights, sizes = read_base_file(BASE)
    vae = load_strictly(MiniatureVAE(sizes.vae, sizes.latent_channels), subset(weights, VAE), "The miniature's VAE")
    image = World(seed=seed).scenes(range(pictures), people=PEOPLE).image * 2 - 1
    return _places(vae.encode(image) * LATENT_SCALE), _places(avg_pool2d(image, FACTOR))


def _places(maps: Tensor) -> Tensor:
    """(B, C, h, w) as (B·h·w, C)."""
    return maps.permute(0, 2, 3, 1).flatten(0, 2)


if __name__ == "__main__":
    factors, bias = fit()
    rows = [[round(value, DIGITS) for value in row] for row in factors.tolist()]
    sys.stdout.write(f"FACTORS = {rows}\nBIAS = {[round(value, DIGITS) for value in bias.tolist()]}\n")
