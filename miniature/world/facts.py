"""What a caption says of a picture, and a reader of the picture can check."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

PATTERNS = ("stripes", "dots", "checks", "waves", "gradient")
SIDES = ("left", "middle", "right")
ACCESSORIES = ("none", "glasses", "headband")
GLASSES, HEADBAND = 1, 2


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Facts:
    """Codes of what text decides; int64.

    Attributes:
        people: how many there are, (B,); they stand from left to right.
        pattern: of the background, code of `PATTERNS`, (B,).
        tint: of the background, code of `palette.TINT_NAMES`, (B,).
        side: where somebody alone stands, code of `SIDES`, (B,); -1 where there are more.
        clothing: code of `palette.CLOTHING_NAMES`, (B, N); -1 where there is nobody.
        accessory: code of `ACCESSORIES`, (B, N); -1 where there is nobody.
    """

    people: Tensor
    pattern: Tensor
    tint: Tensor
    side: Tensor
    clothing: Tensor
    accessory: Tensor
