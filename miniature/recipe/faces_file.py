"""The file of the networks that look at faces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from torch import nn
from transformers import CLIPVisionModelWithProjection

from ...models.miniature.files import BACKBONE, FINDER, IMAGE_ENCODER, METADATA_KEY, PARSER
from ..networks.weights_file import write_networks

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


def write_face_networks(
    path: Path,
    *,
    finder: nn.Module,
    parser: nn.Module,
    backbone: nn.Module,
    image_encoder: nn.Module,
    metadata: Mapping[str, str],
) -> None:
    """Write the networks that look at faces, see `models.miniature.files`."""
    config: dict[str, Any] = cast(CLIPVisionModelWithProjection, image_encoder).config.to_dict()
    said = {METADATA_KEY: json.dumps({"model_type": "clip_vision_model", **{name: config[name] for name in CONFIG}})}
    networks = {FINDER: finder, PARSER: parser, BACKBONE: backbone, IMAGE_ENCODER: image_encoder}
    write_networks(path, networks, {**metadata, **said})
