"""The miniature's base model as one ordinary checkpoint file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from ...training.base import CLIP, UNET, VAE, Base
from ...training.text_encoders import PREFIX
from ...training.whole_file import whole_file
from .original_names import original_unet, original_vae


def base_weights(base: Base) -> dict[str, Tensor]:
    """All weights of an SD1.5-like base by their original names, with the keys that announce velocity and its schedule.

    Both ComfyUI and `training.base.load_base` believe the empty tensors `v_pred` and `ztsnr`.
    """
    text = base.text_encoders[0].module.state_dict()
    parts = {
        UNET: original_unet(base.unet.state_dict()),
        VAE: original_vae(base.vae.state_dict()),
        CLIP["sd15"] + PREFIX: {key.removeprefix(PREFIX): tensor for key, tensor in text.items()},
    }
    weights = {prefix + key: tensor for prefix, part in parts.items() for key, tensor in part.items()}
    return weights | {"v_pred": torch.tensor([]), "ztsnr": torch.tensor([])}


def write_base(
    path: Path, base: Base, *, metadata: Mapping[str, str] | None = None, dtype: torch.dtype = torch.float16
) -> None:
    """Write a base model that predicts velocity under zero terminal SNR.

    Args:
        path: of the safetensors file; it appears when it is whole.
        base: of the architecture of SD1.5.
        metadata: notes for readers of the file.
        dtype: of the weights in it.
    """
    weights = {key: tensor.detach().to("cpu", dtype).contiguous() for key, tensor in base_weights(base).items()}
    with whole_file(path) as partial:
        save_file(weights, partial, dict(metadata or {}))
