"""The networks that look at faces, as the trainer uses them."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.networks.faces import read_faces
from likeness.miniature.recipe.faces_file import write_face_networks
from likeness.models.face.iresnet import IResNet
from likeness.models.miniature.finder import FaceFinder
from likeness.models.miniature.parser import MiniatureParser
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection


@pytest.fixture(scope="module")
def image_encoder():
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = CLIPVisionConfig(image_size=28, patch_size=14, projection_dim=8, hidden_act="gelu", **sizes)
    return CLIPVisionModelWithProjection(config).eval().half().float()


@pytest.fixture(scope="module")
def read(image_encoder, tmp_path_factory):
    path = tmp_path_factory.mktemp("faces") / "faces.safetensors"
    backbone = IResNet(4, [(4, 1), (6, 1), (8, 2), (10, 1)])
    networks = {"finder": FaceFinder(), "parser": MiniatureParser(), "backbone": backbone}
    write_face_networks(path, **networks, image_encoder=image_encoder, metadata={})
    return read_faces(path)


def test_the_image_encoder_sees_what_the_written_one_saw(read, image_encoder):
    _, faces = read
    pixels = torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = image_encoder(pixel_values=pixels).image_embeds
    torch.testing.assert_close(faces.image_encoder(pixel_values=pixels).image_embeds, expected)


def test_nothing_of_it_learns_and_the_backbone_is_the_same_one(read):
    networks, faces = read
    assert faces.backbone is networks.backbone
    parameters = [*faces.backbone.parameters(), *faces.image_encoder.parameters()]
    assert not any(parameter.requires_grad for parameter in parameters)
    assert {parameter.dtype for parameter in parameters} == {torch.float32}
    assert not faces.image_encoder.training
