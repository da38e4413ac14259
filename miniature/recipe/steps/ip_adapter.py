"""Training of the miniature's IP-Adapter FaceID by the trainer's own method."""

from __future__ import annotations

from pathlib import Path

from ....diffusers_host.base import Base
from ....training.ip_adapter.method import FaceID
from ....training.ip_adapter.networks import FaceIDNetworks, new_networks
from ..attached import train_attached
from ..emphasis import POWER
from ..face_people import FacePool
from ..train_config import TrainConfig

RANK = 8


def new_faceid(base: Base, pool: FacePool, *, seed: int) -> FaceIDNetworks:
    """Return untrained networks for the miniature."""
    return new_networks(base.unet, vector=pool.vectors.shape[-1], rank=RANK, seed=seed)


def train_faceid(base: Base, networks: FaceIDNetworks, pool: FacePool, config: TrainConfig, folder: Path) -> None:
    """Train on pictures of one person; raises as `train`."""
    train_attached(FaceID(base, networks, seed=config.seed, power=POWER), pool, config, folder)
