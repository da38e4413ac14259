"""Regions of a face, numbered as in the training manifest's parsing maps."""

from __future__ import annotations

from enum import IntEnum


class Region(IntEnum):
    """A region; `OTHER` is what belongs to a person but to no region: clothes."""

    OTHER = 0
    SKIN = 1
    LEFT_BROW = 2
    RIGHT_BROW = 3
    LEFT_EYE = 4
    RIGHT_EYE = 5
    GLASSES = 6
    LEFT_EAR = 7
    RIGHT_EAR = 8
    NOSE = 9
    MOUTH = 10
    UPPER_LIP = 11
    LOWER_LIP = 12
    NECK = 13
    HAIR = 14
    HAT = 15


PAIRED = (Region.LEFT_BROW, Region.LEFT_EYE, Region.LEFT_EAR)  # a layer named so also paints the next region
FACE_REGIONS = tuple(Region(number) for number in (1, 2, 3, 4, 5, 6, 9, 10, 11, 12))  # without hair, ears, neck and hat
