"""Training of the miniature's Pivot ID Encoder: first of its image encoder, then by the trainer's own method."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ....diffusers_host.base import Base
from ....models.omniportrait.checkpoint import FUSION, VISUAL, OmniPortraitAdapter
from ....models.omniportrait.image_encoder import ImageEncoderConfig, PivotImageEncoder
from ....models.omniportrait.pivot_id_encoder import PivotIDEncoder
from ....models.weights.state_dict import load_strictly
from ....training.batches.draws import Draws
from ....training.omniportrait.crops import middle
from ....training.omniportrait.method import OmniPortraitPivot, PivotTraining
from ...world.people.identity import MOLE, SIZES
from ..attached import train_attached
from ..emphasis import POWER
from ..loop import train
from ..pivot_people import PivotPool
from ..train_config import TrainConfig

CONFIG = ImageEncoderConfig(
    vision={"layers": 4, "width": 64, "patch_size": 8, "image_size": 64, "head_width": 16},
    embed_dim=64,
    activation="gelu",
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
)
LENGTH = 10.0  # of embeddings, twice that of a text row: only a row that grows among its 76 neighbours is attended to
MEASURED = 256  # crops that say how long embeddings are
ASKED = tuple(place for place in range(len(SIZES)) if place != MOLE)  # a mirror moves a mole to the other cheek


def train_pivot_image_encoder(encoder: PivotImageEncoder, pool: PivotPool, config: TrainConfig, folder: Path) -> None:
    """Train an image encoder to read who somebody is off a crop, and give its embeddings a length.

    Args:
        encoder: untrained.
        pool: faces.
        config: how.
        folder: of the checkpoints.

    Raises:
        InvalidSettingError: see `train`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        answers = nn.Linear(CONFIG.embed_dim, sum(SIZES))

    def loss(draws: Draws) -> Tensor:
        rows = draws.integers("picture", len(pool.crops))
        said = answers(encoder(pool.changed_crops(rows, draws)[:, 0])).split(SIZES, -1)
        true = pool.codes[rows].unbind(-1)
        return torch.stack([functional.cross_entropy(said[place], true[place]) for place in ASKED]).mean()

    train(config, nn.ModuleDict({"encoder": encoder, "answers": answers}), loss, folder)
    with torch.no_grad():
        length = encoder(middle(pool.crops[:MEASURED, 0].float() / 255)).norm(dim=-1).mean()
        cast(Any, encoder.visual).proj.mul_(LENGTH / length)


def new_pivot(base: Base, *, seed: int) -> PivotIDEncoder:
    """Return an untrained fusion for the miniature."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PivotIDEncoder(CONFIG.embed_dim, int(base.unet.config["cross_attention_dim"]))


def read_pivot(weights: Mapping[str, Tensor]) -> OmniPortraitAdapter:
    """Return the adapter whose file holds these weights, see `Recipe.omniportrait`; float32, frozen, on the CPU.

    Raises:
        UnknownCheckpointError: if they are something else.
    """
    pivot = PivotIDEncoder.from_state_dict({key: weights[key] for key in weights if key.startswith(f"{FUSION}.")})
    visual = {key: weights[key] for key in weights if key.startswith(f"{VISUAL}.")}
    encoder = load_strictly(PivotImageEncoder(CONFIG), visual, "The miniature's pivot, image encoder,")
    return OmniPortraitAdapter(pivot=pivot, image_encoder=encoder, config=CONFIG, context_dim=pivot.text_width)


def train_pivot(
    base: Base,
    pivot: PivotIDEncoder,
    encoder: PivotImageEncoder,
    pool: PivotPool,
    config: TrainConfig,
    folder: Path,
    *,
    training: PivotTraining,
) -> None:
    """Train fusion and image encoder on pictures of one person; raises as `train`."""
    side = min(pool.latents.shape[-2:])
    method = OmniPortraitPivot(base, pivot, encoder, side=side, seed=config.seed, training=training, power=POWER)
    train_attached(method, pool, config, folder)
