"""An untrained base of a few channels and face encoders as small, both frozen, and what training leaves on a module."""

from __future__ import annotations

import pytest
import torch
from likeness.diffusers_host.face_encoder import FaceEncoder
from likeness.miniature.networks.untrained import new_base
from likeness.models.face.iresnet import IResNet
from likeness.models.miniature.sizes import BaseSizes
from transformers import CLIPVisionConfig, CLIPVisionModel, CLIPVisionModelWithProjection

SIZES = BaseSizes(unet=(32, 32), vae=(16, 16), latent_channels=4, text=16, text_layers=1, text_heads=1)


def frozen_base(sizes=SIZES):
    """A base in evaluation that takes no gradient, the same for the same sizes."""
    made = new_base(sizes, seed=1)
    for module in (made.unet, made.vae, made.text_encoders[0].module):
        module.requires_grad_(False).eval()
    return made


@pytest.fixture(scope="module")
def base():
    """`frozen_base` of the small sizes."""
    return frozen_base()


def frozen_faces(width, projected=None):
    """Face encoders whose backbone ends in a map of so many channels; `projected` is the width of pictures' embeddings."""
    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=1,
        patch_size=56,
        projection_dim=projected or 8,
    )
    backbone = IResNet(4, [(4, 1), (4, 1), (4, 1), (width, 1)]).requires_grad_(False).eval()
    encoder = CLIPVisionModel(config) if projected is None else CLIPVisionModelWithProjection(config)
    return FaceEncoder(backbone=backbone, image_encoder=encoder.requires_grad_(False).eval())


def same(weights, other):
    """Keys of the weights that are equal in both."""
    return {key for key in weights if torch.equal(weights[key], other[key])}


def hooks_on(module):
    """Names of the parts of a module that carry hooks."""
    return [name for name, part in module.named_modules() if part._forward_hooks or part._forward_pre_hooks]
