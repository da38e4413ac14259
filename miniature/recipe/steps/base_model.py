"""Training of the UNet and its text encoder, together."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from ....diffusers_host.base import Base
from ....training.batches.batch import Batch
from ....training.batches.draws import Draws
from ....training.denoising import denoising_loss
from ..arithmetic import mixed_precision, plain_attention
from ..latents import Pool, caption_tokens, encode_tokens
from ..loop import train
from ..train_config import TrainConfig

DROPPED = 0.1  # share of the captions that are left out, for classifier-free guidance (arXiv:2207.12598)


def train_base(base: Base, pool: Pool, config: TrainConfig, folder: Path, *, face_weight: float = 0.0) -> None:
    """Train UNet and text encoder to tell velocity.

    Args:
        base: with a trained VAE.
        pool: what it learns to draw.
        config: how.
        folder: of the checkpoints.
        face_weight: of faces beyond that of everything; what tells people apart is small.

    Raises:
        InvalidSettingError: see `train`.
    """
    text_encoder = base.text_encoders[0].module
    [nothing] = caption_tokens([""])

    def loss(draws: Draws) -> Tensor:
        rows = draws.integers("picture", len(pool.latents))
        left_out = draws.uniform("caption") < DROPPED
        tokens = nothing.where(left_out[:, None], pool.tokens[rows])
        weights = 1 + face_weight * pool.faces[rows]
        return denoising_loss(base, _batch(draws, pool.latents[rows], encode_tokens(base, tokens), weights), draws)

    def mixed(draws: Draws) -> Tensor:
        with mixed_precision():
            return loss(draws)

    with plain_attention(base.unet):
        train(config, nn.ModuleDict({"unet": base.unet, "text": text_encoder}), mixed, folder)


def _batch(draws: Draws, latents: Tensor, text: Tensor, weights: Tensor) -> Batch:
    """Pictures without anything known of the people in them."""
    rows = len(latents)
    nobody = torch.zeros(rows, 0, 0, 0)
    return Batch(
        positions=draws.positions,
        latents=latents,
        text=text,
        pooled=None,
        sizes=torch.zeros(rows, 6),
        intrinsic=nobody,
        structure=nobody,
        boxes=torch.zeros(rows, 0, 4),
        present=torch.zeros(rows, 0, dtype=torch.bool),
        weights=weights,
    )
