"""Sheets of small pictures: who was where step by step or layer by layer, and what the picture attended to at everybody's words.

UniPortrait, Fig. 6 and appendix C; OmniPortrait, Fig. 16.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..errors import MissingRecordingError
from ..images.contact_sheet import contact_sheet
from ..images.layout import images_from_arrays, rgb_images
from .legend import rgb_of
from .placements import PartOfRun, PlacementMaps
from .routing_map import colour_winners, find_winners

MOST_PARTS = 36  # pictures of a sheet; of more, every second, third … is shown
SMALLEST_SIDE = 192  # pixels of the longer side of a small picture
PALE, STRONG = (
    0.85,
    0.9,
)  # how much colour is taken out of a picture below, and how much of a person's lies over it at most


def draw_parts(maps: PlacementMaps, parts: Sequence[PartOfRun], image: Tensor | None = None) -> Tensor:
    """Draw who is strongest where in parts of a run, one sheet for each picture of the batch.

    Args:
        maps: of the run.
        parts: its steps or its layers.
        image: the finished pictures to draw over, (B, H, W, C), 0–1; picture i of the run takes i modulo B.

    Returns:
        (S, H', W', 3) float32, 0–1.

    Raises:
        MissingRecordingError: if there are none.
    """
    if not parts:
        raise MissingRecordingError(
            "No single steps and layers were recorded for this latent; change the seed and queue again."
        )
    shown = parts[:: -(-len(parts) // MOST_PARTS)]
    below = None if image is None else rgb_images(image).cpu().clamp(0, 1)
    sheets: list[np.ndarray] = []
    for number in range(len(maps.maps)):
        pictures: list[np.ndarray] = []
        for part in shown:
            weights = part.maps[min(number, len(part.maps) - 1)]
            size = _size_of(weights)
            winners = find_winners(weights, size)
            ground = None if below is None else _fit(below[number % len(below)], size)
            pictures.append(_array(colour_winners(winners, len(maps.names), ground)))
        sheets.append(contact_sheet(pictures, [part.label for part in shown]))
    return images_from_arrays(sheets)


def draw_words(maps: PlacementMaps, image: Tensor | None = None) -> Tensor:
    """Draw how much each place attends to everybody's words, in their colours, one sheet for each picture of the batch.

    Args:
        maps: of a run in which words were read.
        image: see `draw_parts`.

    Returns:
        (S, H', W', 3) float32, 0–1.

    Raises:
        MissingRecordingError: if nobody's words were read.
    """
    if not maps.words:
        raise MissingRecordingError(
            "Nobody's words were read in this run; set 'by' of Place People to words and connect it to the Apply node."
        )
    below = None if image is None else rgb_images(image).cpu().clamp(0, 1)
    pictures = max(len(each) for each in maps.words.values())
    sheets: list[np.ndarray] = []
    for number in range(pictures):
        shown = [
            _heat(words[min(number, len(words) - 1)], place, None if below is None else below[number % len(below)])
            for place, words in enumerate(maps.words.values())
        ]
        sheets.append(contact_sheet(shown, list(maps.words)))
    return images_from_arrays(sheets)


def _heat(attention: Tensor, place: int, picture: Tensor | None) -> np.ndarray:
    """One person's attention (h, w), from 0 to its highest, in their colour over a pale picture, uint8."""
    size = _size_of(attention[None])
    strength = functional.interpolate(attention[None, None], size, mode="bilinear", align_corners=False)[
        0, 0, ..., None
    ]
    strength = (strength / strength.max().clamp(min=1e-9)).clamp(0, 1) * STRONG
    colour = torch.tensor(rgb_of(place)) / 255
    if picture is None:
        ground = torch.zeros(*size, 3)
    else:
        ground = _fit(picture, size)
        ground = torch.lerp(ground, ground.mean(-1, keepdim=True).expand_as(ground), PALE)
    return _array(ground * (1 - strength) + colour * strength)


def _size_of(weights: Tensor) -> tuple[int, int]:
    """(H, W) of a small picture of maps (N, h, w)."""
    height, width = weights.shape[-2:]
    scale = max(1.0, SMALLEST_SIDE / max(height, width))
    return round(height * scale), round(width * scale)


def _fit(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """A picture (H, W, 3) of another size."""
    return functional.interpolate(picture.permute(2, 0, 1)[None], size, mode="area")[0].permute(1, 2, 0)


def _array(picture: Tensor) -> np.ndarray:
    return (picture.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
