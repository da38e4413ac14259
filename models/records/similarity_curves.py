"""A picture of how alike faces became during a run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..errors import MissingPackageError
from ..images.layout import images_from_arrays
from .guidance import GuidanceHistory
from .routing_map import PIXELS_PER_CELL, colour_of

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SIZE = (768, 432)  # pixels, width and height
FRAME = (64, 40, 24, 56)  # pixels around the curves: left, top, right, bottom
PAPER, INK, FAINT = (255, 255, 255), (40, 40, 40), (220, 220, 220)
OVERSAMPLING = 2  # Pillow's lines have no antialiasing
TICKS = 5


def draw_curves(history: GuidanceHistory) -> Tensor:
    """Similarity over the guided evaluations, a curve for each person, with what noise level the run had come to.

    Args:
        history: of one run.

    Returns:
        (1, 432, 768, 3) float32, 0–1.

    Raises:
        MissingPackageError: without Pillow.
    """
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        raise MissingPackageError(
            'The curves need the package "Pillow": pip install pillow, or use the numbers alone.'
        ) from error
    width, height = SIZE[0] * OVERSAMPLING, SIZE[1] * OVERSAMPLING
    picture = Image.new("RGB", (width, height), PAPER)
    _Plot(ImageDraw.Draw(picture), history).draw()
    return images_from_arrays([np.asarray(picture.resize(SIZE, Image.Resampling.BOX))])


def mask_images(history: GuidanceHistory) -> Tensor:
    """One picture-sized mask per person: (B·N, H, W) float32, 0–1, picture by picture, people in their order."""
    masks = torch.stack([history.masks[name] for name in history.names], dim=1)  # (B, N, h, w)
    sized = functional.interpolate(masks, scale_factor=PIXELS_PER_CELL, mode="nearest")
    return sized.flatten(0, 1)


class _Plot:
    """Axes and curves on a canvas.

    Args:
        canvas: to draw on.
        history: what to draw.
    """

    def __init__(self, canvas: ImageDraw, history: GuidanceHistory) -> None:
        self.canvas, self.history = canvas, history
        self.curves = {name: history.curve(name) for name in history.names}
        seen = [value for curve in self.curves.values() for _, value in curve if not math.isnan(value)]
        low, high = (min(seen), max(seen)) if seen else (0.0, 1.0)
        room = max((high - low) * 0.1, 0.005)
        self.low, self.high = max(low - room, 0.0), min(high + room, 1.0)
        self.steps = max((len(curve) for curve in self.curves.values()), default=1)

    def draw(self) -> None:
        """Everything."""
        self._axes()
        for place, (name, curve) in enumerate(self.curves.items()):
            colour = tuple(round(255 * part * 0.8) for part in colour_of(place))
            points = [(self._x(step), self._y(value)) for step, (_, value) in enumerate(curve) if not math.isnan(value)]
            if len(points) > 1:
                self.canvas.line(points, fill=colour, width=3 * OVERSAMPLING, joint="curve")
            for x, y in points:
                radius = 3 * OVERSAMPLING
                self.canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
            last = "not found" if math.isnan(curve[-1][1]) else f"{curve[-1][1]:.3f}"
            self._text(FRAME[0] + 180 * place, 10, f"{name}: {last}", colour)
        if self.history.skipped:
            self._text(FRAME[0] + 180 * len(self.curves), 10, f"skipped: {self.history.skipped}", INK)

    def _axes(self) -> None:
        for tick in range(TICKS + 1):
            value = self.low + (self.high - self.low) * tick / TICKS
            y = self._y(value)
            self.canvas.line((self._x(0), y, self._x(self.steps - 1), y), fill=FAINT, width=OVERSAMPLING)
            self._text(8, y / OVERSAMPLING - 7, f"{value:.3f}", INK)
        sigmas = [sigma for sigma, _ in max(self.curves.values(), key=len, default=[])]
        for step in sorted({round(tick * (self.steps - 1) / TICKS) for tick in range(TICKS + 1)}):
            if step < len(sigmas):
                self._text(self._x(step) / OVERSAMPLING - 14, SIZE[1] - FRAME[3] + 8, f"{sigmas[step]:.2f}", INK)
        self._text(
            SIZE[0] / 2 - 220, SIZE[1] - 24, "mean similarity, by noise level (sigma) of the guided evaluations", INK
        )

    def _x(self, step: int) -> float:
        room = SIZE[0] - FRAME[0] - FRAME[2]
        return (FRAME[0] + room * step / max(self.steps - 1, 1)) * OVERSAMPLING

    def _y(self, value: float) -> float:
        room = SIZE[1] - FRAME[1] - FRAME[3]
        return (FRAME[1] + room * (self.high - value) / (self.high - self.low)) * OVERSAMPLING

    def _text(self, x: float, y: float, text: str, colour: tuple[int, ...]) -> None:
        from PIL import ImageFont

        font = ImageFont.load_default(size=13 * OVERSAMPLING)
        self.canvas.text((x * OVERSAMPLING, y * OVERSAMPLING), text, fill=colour, font=font)
