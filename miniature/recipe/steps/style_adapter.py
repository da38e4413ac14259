"""Training of a plain IP-Adapter for the miniature, which follows a style beside a text, by the trainer's own method."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ....diffusers_host.base import Base
from ....models.ip_adapter.projection import ImagePromptProjection
from ....training.adapter_networks import LoRALayers, new_attention
from ....training.batches.draws import Draws
from ....training.ip_adapter.batch import FaceBatch
from ....training.ip_adapter.method import FaceID
from ....training.ip_adapter.networks import FaceIDNetworks
from ..attached import train_attached
from ..emphasis import POWER
from ..latents import caption_tokens, encode_tokens
from ..styles.people import StylePool
from ..train_config import TrainConfig

TOKENS = 4  # of a picture, as published


@dataclass(frozen=True, eq=False, slots=True)
class CaptionedStyles:
    """Pictures with their captions and styles, of which batches are drawn.

    Attributes:
        pool: of the pictures.
    """

    pool: StylePool

    def batch(self, base: Base, draws: Draws) -> FaceBatch:
        """Return a batch whose vectors are styles, a row for each row of numbers."""
        pool, rows = self.pool, draws.integers("picture", len(self.pool.latents))
        with torch.no_grad():
            text = encode_tokens(base, torch.cat((caption_tokens([""]), pool.tokens[rows])))
        return FaceBatch(
            positions=draws.positions,
            latents=pool.latents[rows],
            text=text[1:],
            empty=text[:1],
            pooled=None,
            empty_pooled=None,
            sizes=torch.zeros(len(rows), 6),
            vectors=pool.style[rows],
            weights=None,
        )


def new_style_adapter(base: Base, pool: StylePool, *, seed: int) -> FaceIDNetworks:
    """Return untrained networks for the miniature, without LoRA as published."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        width = base.unet.config["cross_attention_dim"]
        projection = ImagePromptProjection(pool.style.shape[-1], TOKENS, width)
        return FaceIDNetworks(projection, new_attention(base.unet), LoRALayers({}, 1))


def train_style_adapter(
    base: Base, networks: FaceIDNetworks, pool: StylePool, config: TrainConfig, folder: Path
) -> None:
    """Train on pictures in all styles, whose captions say nothing of the style; raises as `train`."""
    method = FaceID(base, networks, seed=config.seed, power=POWER)
    train_attached(method, CaptionedStyles(pool), config, folder)
