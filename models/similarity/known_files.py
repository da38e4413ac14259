"""Published files that judge pictures."""

from __future__ import annotations

from ..weights.known_file import KnownFile

DINO = KnownFile(
    name="dino_deitsmall16_pretrain.pth",
    folder="dino",
    page="https://github.com/facebookresearch/dino",
    what="DINO, only for Score Facial Similarity",
    size="87 MB",
    licence="Apache-2.0",
    commercial="yes",
)
