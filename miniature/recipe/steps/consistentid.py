"""Training of the miniature's ConsistentID by the trainer's own method."""

from __future__ import annotations

from pathlib import Path

import torch

from ....diffusers_host.base import Base
from ....diffusers_host.face_encoder import FaceEncoder
from ....diffusers_host.image_encoder import hidden_tokens
from ....models.clip import CLIP_SIZE
from ....training.consistentid.method import ConsistentID
from ....training.consistentid.networks import ConsistentIDNetworks, new_networks
from ..attached import train_attached
from ..emphasis import POWER
from ..facial_people import FacialPool
from ..train_config import TrainConfig

RANK = 8
DEPTH = 2  # of both resamplers


def new_consistentid(base: Base, pool: FacialPool, *, seed: int) -> ConsistentIDNetworks:
    """Return untrained networks for the miniature."""
    vector, image = pool.vectors.shape[-1], pool.photo.shape[-1]
    return new_networks(base.unet, vector=vector, image=image, rank=RANK, depth=DEPTH, seed=seed)


def train_consistentid(
    base: Base, faces: FaceEncoder, networks: ConsistentIDNetworks, pool: FacialPool, config: TrainConfig, folder: Path
) -> None:
    """Train on pictures of one person; raises as `train`."""
    nothing = hidden_tokens(faces.image_encoder, torch.zeros(1, 3, CLIP_SIZE, CLIP_SIZE))
    method = ConsistentID(base, networks, nothing, seed=config.seed, power=POWER)
    train_attached(method, pool, config, folder)
