"""The colours of people, the same in every picture that this pack draws."""

from __future__ import annotations

import colorsys

GOLDEN_ANGLE = 0.381966  # turns of hue between neighbours, so that any number of people stays distinct
FIRST_HUE = 0.58


def colour_of(place: int) -> tuple[float, float, float]:
    """Return the colour of the person at a place in the chain, RGB, 0–1."""
    return colorsys.hsv_to_rgb((FIRST_HUE + place * GOLDEN_ANGLE) % 1.0, 0.65, 0.95)


def rgb_of(place: int) -> tuple[int, int, int]:
    """Return that colour as Pillow takes it, RGB, 0–255."""
    red, green, blue = (round(255 * part) for part in colour_of(place))
    return red, green, blue
