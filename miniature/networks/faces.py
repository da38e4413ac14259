"""The networks that look at faces, for diffusers."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from ...diffusers_host.clip_weights import fill_clip
from ...diffusers_host.face_encoder import FaceEncoder
from ...models.miniature.files import FaceNetworks, read_face_networks


def read_faces(path: Path) -> tuple[FaceNetworks, FaceEncoder]:
    """Read the file of `models.miniature.files`.

    Returns:
        What it holds, and backbone and image encoder as the trainer uses them.

    Raises:
        LikenessError: see `read_face_networks`.
    """
    networks = read_face_networks(path)
    with torch.device("meta"):
        module = CLIPVisionModelWithProjection(CLIPVisionConfig(**networks.image_config))
    image_encoder = fill_clip(module, networks.image_encoder, "", f"{path.name}, image encoder,", torch.float32)
    return networks, FaceEncoder(backbone=networks.backbone, image_encoder=image_encoder)
