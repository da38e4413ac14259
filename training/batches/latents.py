"""Pictures to latents, encoded here or read from a cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from ...diffusers_host.base import Base
from .draws import Draws
from .examples import Example
from .feature_store import FeatureStore, Tensors, encode_once, fingerprint


def latent_store(folder: Path, base: Base) -> FeatureStore:
    """The cache of this VAE's latents, below a folder that other networks' caches may share."""
    return FeatureStore(folder / f"latents-{fingerprint([base.vae])}")


def sample_latents(base: Base, examples: Sequence[Example[Any]], store: FeatureStore | None, *, seed: int) -> Tensor:
    """A sample of what the VAE says about each picture, scaled for the UNet, (B, C, h, w).

    Args:
        base: its VAE encodes, where it is.
        examples: the pictures.
        store: keeps mean and spread by the keys of the examples; with one, every picture is encoded alone.
        seed: of the run.
    """
    device = next(base.vae.parameters()).device

    def moments(pictures: np.ndarray) -> list[Tensors]:
        """Mean and spread of the latents of pictures (B, size, size, 3) uint8."""
        pixels = rearrange(torch.from_numpy(pictures).to(device), "b h w c -> b c h w").float() / 127.5 - 1
        with torch.no_grad():
            said: Any = base.vae.encode(pixels)
        pairs = zip(said.latent_dist.mean, said.latent_dist.std, strict=True)
        return [{"mean": mean, "spread": spread} for mean, spread in pairs]

    said = encode_once(examples, moments, store, device)
    mean, spread = (torch.stack([one[name] for one in said]) for name in ("mean", "spread"))
    draws = Draws(seed, tuple(example.position for example in examples))
    return (mean + spread * draws.normal("latents", mean.shape[1:]).to(mean)) * base.latent_scale
