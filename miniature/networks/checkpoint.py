"""The miniature's base model as one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from ...diffusers_host.base import Base
from ...diffusers_host.clip_weights import fill_clip
from ...diffusers_host.text_encoders import PREFIX
from ...models.miniature.files import CLIP, ROWS, UNET, VAE, WORDS, read_base_file, require_networks
from ...models.miniature.sizes import BaseSizes
from ...models.weights.state_dict import load_strictly, subset
from .original_names import original_unet
from .untrained import new_base, unet_config
from .vae import DiffusersVAE
from .weights_file import write_weights


def base_weights(base: Base, sizes: BaseSizes) -> dict[str, Tensor]:
    """Return all weights of a base model as its file holds them, see `models.miniature.files`."""
    text = base.text_encoders[0].module.state_dict()
    parts = {
        UNET: original_unet(base.unet.state_dict(), sizes.blocks),
        VAE: cast(DiffusersVAE, base.vae).network.state_dict(),
        CLIP + PREFIX: {key.removeprefix(PREFIX): tensor for key, tensor in text.items()},
    }
    weights = {prefix + key: tensor for prefix, part in parts.items() for key, tensor in part.items()}
    words = weights[WORDS]
    weights[ROWS] = words.abs().sum(1).nonzero()[:, 0]
    weights[WORDS] = words[weights[ROWS]]
    return weights


def write_base(
    path: Path, base: Base, sizes: BaseSizes, *, metadata: Mapping[str, str], dtype: torch.dtype = torch.float16
) -> None:
    """Write a base model of `new_base`.

    Args:
        path: of the safetensors file; it appears when it is whole.
        base: the model.
        sizes: that it was made with.
        metadata: notes for readers of the file.
        dtype: of the weights in it.
    """
    write_weights(path, base_weights(base, sizes), {**sizes.metadata(), **metadata}, dtype=dtype)


def read_base(path: Path) -> Base:
    """Read a base model for diffusers: float32, frozen, in eval mode, on the CPU.

    Raises:
        CorruptModelFileError: if the file cannot be read.
        UnknownCheckpointError: if it is something else.
    """
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    weights, sizes = read_base_file(path)
    require_networks(weights, sizes, path.name)
    base = new_base(sizes, seed=0)
    unet = subset(weights, UNET)
    named = convert_ldm_unet_checkpoint({UNET + key: tensor for key, tensor in unet.items()}, unet_config(sizes))
    load_strictly(base.unet, named, f"{path.name}, UNet,")
    load_strictly(cast(DiffusersVAE, base.vae).network, subset(weights, VAE), f"{path.name}, VAE,")
    text = subset(weights, CLIP + PREFIX)
    fill_clip(base.text_encoders[0].module, text, PREFIX, f"{path.name}, text encoder,", torch.float32)
    return base
