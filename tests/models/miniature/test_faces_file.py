"""The file of the networks that look at faces: read as it was written, and nothing else is taken for it."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.recipe.faces_file import write_face_networks
from likeness.models.errors import MissingModelFileError, UnknownCheckpointError
from likeness.models.face.iresnet import IResNet
from likeness.models.miniature.faces_file import METADATA_KEY, read_face_networks
from likeness.models.miniature.finder import FaceFinder
from likeness.models.miniature.parser import MiniatureParser
from likeness.tests.models.miniature.stored_weights import assert_equal, halved
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = CLIPVisionConfig(image_size=28, patch_size=14, projection_dim=8, hidden_act="gelu", **sizes)
    return {
        "finder": FaceFinder(),
        "parser": MiniatureParser(),
        "backbone": IResNet(4, [(4, 1), (6, 1), (8, 2), (10, 1)]),
        "image_encoder": CLIPVisionModelWithProjection(config),
    }


@pytest.fixture(scope="module")
def faces(networks, tmp_path_factory):
    path = tmp_path_factory.mktemp("miniature") / "faces.safetensors"
    write_face_networks(path, **networks, metadata={"seed": "10"})
    return path


def test_networks_that_look_at_faces_are_read_in_the_precision_of_the_file(networks, faces):
    read = read_face_networks(faces)
    assert_equal(read.finder.state_dict(), halved(networks["finder"].state_dict()))
    assert_equal(read.parser.network.state_dict(), halved(networks["parser"].state_dict()))
    assert_equal(read.backbone.state_dict(), halved(networks["backbone"].state_dict()))
    assert_equal(read.image_encoder, halved(networks["image_encoder"].state_dict()))
    assert [network.training for network in (read.finder, read.parser, read.backbone)] == [False] * 3
    config = CLIPVisionModelWithProjection(CLIPVisionConfig(**read.image_config)).config
    assert (config.image_size, config.num_attention_heads, config.hidden_act) == (28, 2, "gelu")


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("metadata", "sizes of its image encoder"),
        ("finder.", "^it.safetensors, detector,"),
        ("parser.", "^it.safetensors, parser,"),
        ("backbone.", "backbone"),
    ],
)
def test_a_file_without_a_part_of_the_networks_is_refused(faces, tmp_path, lost, said):
    weights = {key: tensor for key, tensor in load_file(faces).items() if not key.startswith(lost)}
    save_file(weights, tmp_path / "it.safetensors", {} if lost == "metadata" else {METADATA_KEY: "{}"})
    with pytest.raises(UnknownCheckpointError, match=said):
        read_face_networks(tmp_path / "it.safetensors")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingModelFileError, match=r"it\.safetensors"):
        read_face_networks(tmp_path / "it.safetensors")
