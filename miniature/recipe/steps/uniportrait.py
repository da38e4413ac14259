"""Training of the miniature's UniPortrait by the trainer's own methods."""

from __future__ import annotations

from pathlib import Path

from ....diffusers_host.base import Base
from ....diffusers_host.face_encoder import FaceEncoder
from ....training.uniportrait.networks import UniPortraitNetworks, new_networks, new_routers
from ....training.uniportrait.people import Dropping
from ....training.uniportrait.stage1 import StageOne
from ....training.uniportrait.stage2 import Routing, StageTwo
from ..attached import train_attached
from ..emphasis import POWER
from ..people import PeoplePool
from ..train_config import TrainConfig

RANK = 8


def new_stage_one(base: Base, faces: FaceEncoder, *, seed: int) -> UniPortraitNetworks:
    """Return untrained networks of stage I for the miniature."""
    return new_networks(base.unet, faces.nobody(), rank=RANK, seed=seed)


def train_stage_one(
    base: Base,
    faces: FaceEncoder,
    networks: UniPortraitNetworks,
    pool: PeoplePool,
    config: TrainConfig,
    folder: Path,
    *,
    dropping: Dropping,
) -> None:
    """Train stage I on pictures of one person; raises as `train`."""
    method = StageOne(base, networks, faces.nobody(), dropping=dropping, seed=config.seed, power=POWER)
    train_attached(method, pool, config, folder)


def train_stage_two(
    base: Base,
    faces: FaceEncoder,
    networks: UniPortraitNetworks,
    pool: PeoplePool,
    config: TrainConfig,
    folder: Path,
    *,
    routing: Routing,
) -> None:
    """Train stage II on pictures of several people; routers are made where there are none yet; raises as `train`."""
    if not networks.routers:
        networks.routers = new_routers(networks, seed=config.seed)
    method = StageTwo(base, networks, faces.nobody(), routing=routing, seed=config.seed, power=POWER)
    train_attached(method, pool, config, folder)
