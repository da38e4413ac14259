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
from .legend import GROUND, INK, LegendLine, draw_legend, letters_for, rgb_of
from .routing_map import PIXELS_PER_CELL

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SIZE = (768, 440)  # pixels of the axes and curves, width and height
FRAME = (104, 24, 48, 112)  # pixels around the curves: left, top, right, bottom
FAINT = (70, 70, 70)
OVERSAMPLING = 2  # Pillow's lines have no antialiasing
TICKS = 3
CURVE = 5  # pixels; wide enough for a plot that is shown 300 pixels wide


def draw_curves(history: GuidanceHistory) -> Tensor:
    """Return similarity over the guided evaluations, a curve for each person, with what noise level the run had come to.

    The legend below says how alike everybody was at the last of them.

    Args:
        history: of one run.

    Returns:
        (1, 440 + legend, 768, 3) float32, 0–1.

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
    picture = Image.new("RGB", (width, height), GROUND)
    plot = _Plot(ImageDraw.Draw(picture), history)
    plot.draw()
    curves = np.asarray(picture.resize(SIZE, Image.Resampling.BOX))
    return images_from_arrays([np.concatenate([curves, np.asarray(draw_legend(plot.legend(), SIZE[0]))])])


def mask_images(history: GuidanceHistory) -> Tensor:
    """Return one picture-sized mask per person: (B·N, H, W) float32, 0–1, picture by picture, people in their order."""
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
        """Draw everything but the legend."""
        self._axes()
        for place, curve in enumerate(self.curves.values()):
            points = [(self._x(step), self._y(value)) for step, (_, value) in enumerate(curve) if not math.isnan(value)]
            if len(points) > 1:
                self.canvas.line(points, fill=rgb_of(place), width=CURVE * OVERSAMPLING, joint="curve")
            for x, y in points:
                radius = CURVE * OVERSAMPLING
                self.canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=rgb_of(place))

    def legend(self) -> list[LegendLine]:
        """A line for each person, and one for the steps that were not guided."""
        lines = [
            LegendLine(f"{name}: {'not found' if math.isnan(curve[-1][1]) else f'{curve[-1][1]:.3f}'}", rgb_of(place))
            for place, (name, curve) in enumerate(self.curves.items())
        ]
        skipped = self.history.skipped
        return [*lines, LegendLine(f"skipped, not finite: {skipped}")] if skipped else lines

    def _axes(self) -> None:
        for tick in range(TICKS + 1):
            value = self.low + (self.high - self.low) * tick / TICKS
            y = self._y(value)
            ends = FRAME[0] * OVERSAMPLING, (SIZE[0] - FRAME[2]) * OVERSAMPLING
            self.canvas.line((ends[0], y, ends[1], y), fill=FAINT, width=OVERSAMPLING)
            self._text(FRAME[0] - 14, y / OVERSAMPLING, f"{value:.3f}", "rm")
        sigmas = [sigma for sigma, _ in max(self.curves.values(), key=len, default=[])]
        for step in sorted({round(tick * (self.steps - 1) / TICKS) for tick in range(TICKS + 1)}):
            if step < len(sigmas):
                self._text(self._x(step) / OVERSAMPLING, SIZE[1] - FRAME[3] + 22, f"{sigmas[step]:.2f}", "mt")
        self._text(SIZE[0] / 2, SIZE[1] - 14, "similarity by noise level (sigma)", "mb")

    def _x(self, step: int) -> float:
        room = SIZE[0] - FRAME[0] - FRAME[2]
        return (FRAME[0] + room * step / max(self.steps - 1, 1)) * OVERSAMPLING

    def _y(self, value: float) -> float:
        room = SIZE[1] - FRAME[1] - FRAME[3]
        return (FRAME[1] + room * (self.high - value) / (self.high - self.low)) * OVERSAMPLING

    def _text(self, x: float, y: float, text: str, anchor: str) -> None:
        from PIL import ImageFont

        font = ImageFont.load_default(size=letters_for(SIZE[0]) * OVERSAMPLING)
        self.canvas.text((x * OVERSAMPLING, y * OVERSAMPLING), text, fill=INK, font=font, anchor=anchor)
