"""A coloured picture of who was placed where."""

from __future__ import annotations

import colorsys

import numpy as np
import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from ..errors import MissingPackageError
from .placements import PlacementMaps

PIXELS_PER_CELL = 8  # a latent cell of SD1.5 and SDXL is 8×8 pixels
GOLDEN_ANGLE = 0.381966  # turns of hue between neighbours, so that any number of people stays distinct
BACKGROUND = 0.12  # grey of positions that belong to nobody


def person_masks(maps: PlacementMaps) -> Tensor:
    """One picture-sized mask per person: (S·N, H, W) float 0–1, picture by picture, people in their order."""
    masks = rearrange(maps.maps, "s n h w -> (s n) 1 h w")
    return functional.interpolate(masks, scale_factor=PIXELS_PER_CELL, mode="nearest")[:, 0].clamp(0, 1)


def draw(maps: PlacementMaps) -> Tensor:
    """Colours mixed by weight, with a legend of names and shares below.

    Args:
        maps: of one run.

    Returns:
        (S, H, W, 3) float 0–1; H is larger than the picture by the legend.

    Raises:
        MissingPackageError: without Pillow.
    """
    colours = torch.tensor([colour_of(place) for place in range(len(maps.names))])  # (N, 3)
    weights = functional.interpolate(maps.maps, scale_factor=PIXELS_PER_CELL, mode="nearest")
    mixed = torch.einsum("snhw,nc->shwc", weights, colours)
    nobody = 1 - weights.sum(dim=1).clamp(0, 1)
    pictures = (mixed + nobody[..., None] * BACKGROUND).clamp(0, 1)
    legend = _legend(maps, colours, pictures.shape[2])
    return torch.cat([pictures, legend.expand(len(pictures), -1, -1, -1)], dim=1)


def colour_of(place: int) -> tuple[float, float, float]:
    """The colour of the person at a place in the chain, RGB, 0–1."""
    return colorsys.hsv_to_rgb((0.58 + place * GOLDEN_ANGLE) % 1.0, 0.65, 0.95)


def _legend(maps: PlacementMaps, colours: Tensor, width: int) -> Tensor:
    """A strip with one line per person, (height, width, 3) float 0–1."""
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise MissingPackageError(
            'The routing picture needs the package "Pillow": pip install pillow, or use the masks alone.'
        ) from error
    size = max(11, round(width / 28))
    line = round(size * 1.7)
    strip = Image.new("RGB", (width, line * len(maps.names) + line // 2), (24, 24, 24))
    pen = ImageDraw.Draw(strip)
    font = ImageFont.load_default(size)
    for place, (name, share) in enumerate(maps.shares.items()):
        top = line // 4 + place * line
        colour = tuple(round(255 * channel) for channel in colours[place].tolist())
        pen.rectangle((size // 2, top + size // 5, size // 2 + size, top + size // 5 + size), fill=colour)
        pen.text((2 * size, top), f"{name}  {share:.0%}", fill=(235, 235, 235), font=font)
    return torch.from_numpy(np.asarray(strip).copy()).float() / 255
