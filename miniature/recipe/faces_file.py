"""The files that ship: what the recipe made, in half precision and with notes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPVisionModelWithProjection

from ...models.miniature.faces_file import BACKBONE, FINDER, IMAGE_ENCODER, METADATA_KEY
from ...training.whole_file import whole_file

CONFIG = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_channels",
    "image_size",
    "patch_size",
    "projection_dim",
    "hidden_act",
    "layer_norm_eps",
)


def write_networks(path: Path, networks: Mapping[str, nn.Module], metadata: Mapping[str, str]) -> None:
    """Write networks in half precision, each under its prefix."""
    weights = {
        prefix + key: tensor for prefix, network in networks.items() for key, tensor in network.state_dict().items()
    }
    write_weights(path, weights, metadata)


def write_weights(path: Path, weights: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors, floating point ones in half precision; the file appears when it is whole."""
    halved = {
        key: tensor.detach().to("cpu", torch.float16 if tensor.is_floating_point() else tensor.dtype).contiguous()
        for key, tensor in weights.items()
    }
    with whole_file(path) as partial:
        save_file(halved, partial, dict(metadata))


def write_face_networks(
    path: Path,
    *,
    finder: nn.Module,
    backbone: nn.Module,
    image_encoder: CLIPVisionModelWithProjection,
    metadata: Mapping[str, str],
) -> None:
    """Write the networks that look at faces, see `models.miniature.faces_file`."""
    config: dict[str, Any] = image_encoder.config.to_dict()
    said = {METADATA_KEY: json.dumps({"model_type": "clip_vision_model", **{name: config[name] for name in CONFIG}})}
    networks = {FINDER: finder, BACKBONE: backbone, IMAGE_ENCODER: image_encoder}
    write_networks(path, networks, {**metadata, **said})
