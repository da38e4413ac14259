"""The file of the networks that look at faces: what is in it and what it says of the image encoder."""

from __future__ import annotations

import json

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.recipe.faces_file import write_face_networks
from likeness.models.miniature.files import METADATA_KEY
from likeness.models.weights.reading import read_metadata
from safetensors.torch import load_file
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

SIZES = {
    "hidden_size": 16,
    "intermediate_size": 48,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
    "projection_dim": 8,
    "hidden_act": "gelu",
}


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    return {
        "finder": nn.Linear(2, 3),
        "parser": nn.Linear(3, 4),
        "backbone": nn.Linear(4, 5),
        "image_encoder": CLIPVisionModelWithProjection(CLIPVisionConfig(**SIZES)),
    }


@pytest.fixture(scope="module")
def path(networks, tmp_path_factory):
    path = tmp_path_factory.mktemp("faces") / "faces.safetensors"
    write_face_networks(path, **networks, metadata={"licence": "Apache-2.0"})
    return path


def test_every_network_lies_below_its_name(networks, path):
    stored = load_file(path)
    expected = {f"{name}.{key}" for name, network in networks.items() for key in network.state_dict()}
    assert stored.keys() == expected
    assert torch.equal(stored["parser.weight"], networks["parser"].weight.half())


def test_the_sizes_of_the_image_encoder_are_said_beside_the_notes(path):
    metadata = read_metadata(path)
    assert metadata["licence"] == "Apache-2.0"
    said = json.loads(metadata[METADATA_KEY])
    assert {name: said[name] for name in SIZES} == SIZES
    assert said["model_type"] == "clip_vision_model"  # ComfyUI asks for it
    with torch.device("meta"):
        again = CLIPVisionModelWithProjection(CLIPVisionConfig(**said))
    shapes = {f"image_encoder.{key}": tensor.shape for key, tensor in again.state_dict().items()}
    stored = {key: tensor.shape for key, tensor in load_file(path).items()}
    assert shapes.items() <= stored.items()
