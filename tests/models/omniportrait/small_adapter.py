"""A tiny OmniPortrait adapter and the files it comes as."""

from __future__ import annotations

import torch
from likeness.models.omniportrait.checkpoint import adapter_metadata, adapter_weights
from likeness.models.omniportrait.image_encoder import ImageEncoderConfig, PivotImageEncoder
from likeness.models.omniportrait.pivot_id_encoder import PivotIDEncoder
from safetensors.torch import save_file

SIZES = {"layers": 2, "width": 16, "patch_size": 8, "image_size": 16, "head_width": 8}
CONFIG = ImageEncoderConfig(
    vision=SIZES, embed_dim=6, activation="quick_gelu", mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4)
)


def changed_config(**fields):
    return ImageEncoderConfig.from_details({**CONFIG.details(), **fields})


def small_encoder(config=CONFIG, seed=0):
    torch.manual_seed(seed)
    return PivotImageEncoder(config).eval().requires_grad_(False)


def small_pivot(text=12, embedding=6, seed=1):
    torch.manual_seed(seed)
    pivot = PivotIDEncoder(embedding, text)
    torch.nn.init.normal_(pivot.fusion.weight, std=0.3)
    return pivot.eval().requires_grad_(False)


def flat(parts):
    return {f"{part}.{key}": tensor for part, tensors in parts.items() for key, tensor in tensors.items()}


def write_adapter(path, *, pivot=None, encoder=None, changed=None, base=None, metadata=None):
    encoder = encoder or small_encoder()
    weights = flat(adapter_weights(pivot or small_pivot(), encoder, changed=changed))
    save_file(weights, path, adapter_metadata(encoder.config, base) if metadata is None else metadata)
    return path
