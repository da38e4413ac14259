"""Pictures to measure."""

from __future__ import annotations

import numpy as np
from likeness.evaluation.metrics.metric import Shown


def noise(seed: int, height: int = 48, width: int = 64) -> np.ndarray:
    """A picture of blocks, (height, width, 3) uint8, the same for the same seed."""
    blocks = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return blocks.repeat(8, 0).repeat(8, 1)


def shown(*people: tuple[int, ...], seed: int = 0, prompt: str = "a man on the beach") -> Shown:
    """A picture and photos of people, by seed."""
    return Shown(noise(seed), prompt, tuple(tuple(noise(each) for each in photos) for photos in people))
