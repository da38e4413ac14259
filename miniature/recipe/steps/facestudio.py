"""Training of the miniature's FaceStudio by the trainer's own method."""

from __future__ import annotations

from pathlib import Path

from ....diffusers_host.base import Base
from ....training.facestudio.method import PAPERS, Dropping, FaceStudio
from ....training.facestudio.networks import FaceStudioNetworks, new_networks
from ....training.facestudio.start import Start, root_mean_square_length, text_spread
from ...world.captions import vocabulary
from ..attached import train_attached
from ..emphasis import POWER
from ..styles.people import StylePool
from ..train_config import TrainConfig

RANK = 16
PROMPTS = ("", *(text.strip() for text in vocabulary().split(",")))  # words that the text encoder knows


def new_facestudio(base: Base, pool: StylePool, *, seed: int) -> FaceStudioNetworks:
    """Return untrained networks for the miniature."""
    start = Start(
        style=pool.style.shape[-1],
        length=root_mean_square_length(pool.style),
        spread=text_spread(base.text_encoders, PROMPTS),
    )
    return new_networks(base.unet, start, seed=seed, rank=RANK, face=pool.face.shape[-1])


def train_facestudio(
    base: Base,
    networks: FaceStudioNetworks,
    pool: StylePool,
    config: TrainConfig,
    folder: Path,
    *,
    dropping: Dropping = PAPERS,
) -> None:
    """Train on pictures with and without people, everything at one rate; raises as `train`."""
    method = FaceStudio(base, networks, seed=config.seed, dropping=dropping, power=POWER)
    train_attached(method, pool, config, folder)
