"""The miniature's files are read as they were written, and nothing else is taken for them."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.networks.untrained import new_base
from likeness.miniature.recipe.faces_file import write_face_networks
from likeness.models.errors import MissingModelFileError, UnknownCheckpointError
from likeness.models.face.iresnet import IResNet
from likeness.models.miniature.files import (
    METADATA_KEY,
    ROWS,
    STAGE_ONE,
    STAGE_TWO,
    UNET,
    VOCABULARY,
    WORDS,
    read_base_file,
    read_face_networks,
    read_uniportrait,
)
from likeness.models.miniature.finder import FaceFinder
from likeness.models.miniature.parser import MiniatureParser
from likeness.models.miniature.sizes import BaseSizes
from likeness.models.uniportrait.encode import ReferenceFeatures
from likeness.models.weights.state_dict import flatten, subset
from likeness.tests.miniature.small_base import SIZES as SMALL
from likeness.tests.models.miniature.stored_weights import assert_equal, halved
from likeness.training.uniportrait.networks import faceid_weights, new_networks, new_routers, router_weights
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

SIZES = BaseSizes(unet=(32, 64), text=16)
WEIGHTS = {
    WORDS: torch.randn(3, 16, generator=torch.Generator().manual_seed(0)),
    ROWS: torch.tensor([2, 320, VOCABULARY - 1]),
    f"{UNET}out.2.weight": torch.ones(2),
}


def test_words_lie_in_their_rows_and_all_others_are_zeros(tmp_path):
    save_file(WEIGHTS, tmp_path / "base.safetensors", SIZES.metadata())
    weights, sizes = read_base_file(tmp_path / "base.safetensors")
    assert sizes == SIZES
    assert weights.keys() == WEIGHTS.keys() - {ROWS}
    assert torch.equal(weights[f"{UNET}out.2.weight"], torch.ones(2))
    words = weights[WORDS]
    assert words.shape == (VOCABULARY, 16)
    assert torch.equal(words[WEIGHTS[ROWS]], WEIGHTS[WORDS])
    assert words.any(1).sum() == 3


@pytest.mark.parametrize("lost", [WORDS, ROWS])
def test_a_file_without_words_or_rows_is_refused(tmp_path, lost):
    weights = {key: tensor for key, tensor in WEIGHTS.items() if key != lost}
    save_file(weights, tmp_path / "other.safetensors", SIZES.metadata())
    with pytest.raises(UnknownCheckpointError, match=r"^other\.safetensors does not"):
        read_base_file(tmp_path / "other.safetensors")


def test_a_file_without_sizes_is_refused(tmp_path):
    save_file(WEIGHTS, tmp_path / "other.safetensors")
    with pytest.raises(UnknownCheckpointError, match=r"^other\.safetensors does not say the sizes"):
        read_base_file(tmp_path / "other.safetensors")


def test_a_missing_base_is_named(tmp_path):
    with pytest.raises(MissingModelFileError, match=r"it\.safetensors"):
        read_base_file(tmp_path / "it.safetensors")


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


def test_missing_networks_that_look_at_faces_are_named(tmp_path):
    with pytest.raises(MissingModelFileError, match=r"it\.safetensors"):
        read_face_networks(tmp_path / "it.safetensors")


@pytest.fixture(scope="module")
def stages():
    """What both stages leave for a base of a few channels."""
    nobody = ReferenceFeatures(intrinsic=torch.zeros(1, 3, 6), structure=torch.zeros(1, 5, 10))
    networks = new_networks(new_base(SMALL, seed=0).unet, nobody, rank=2, seed=0)
    faceid = {key: tensor.clone() for key, tensor in flatten(faceid_weights(networks)).items()}
    networks.routers = new_routers(networks, seed=1)
    for parameter in networks.lora.parameters():
        parameter.data += 1  # stage II goes on training it
    return faceid, flatten(router_weights(networks))


def test_both_stages_of_uniportrait_lie_in_one_file(stages, tmp_path):
    parts = dict(zip((STAGE_ONE, STAGE_TWO), stages, strict=True))
    weights = {prefix + key: tensor for prefix, part in parts.items() for key, tensor in part.items()}
    save_file(weights, tmp_path / "it.safetensors")
    adapter = read_uniportrait(tmp_path / "it.safetensors")
    faceid, router = stages
    assert_equal(adapter.id_embedding.state_dict(), subset(faceid, "faceid_proj."))
    for index, attention in adapter.face_attention.items():
        layer = f"faceid_adapter.{index}"
        assert torch.equal(attention.to_k.weight, faceid[f"{layer}.to_k_faceid.weight"])
        assert torch.equal(adapter.routers[index].aggr_router.weight, router[f"{layer}.aggr_router.weight"])
        for lora, part in ((adapter.single_lora, faceid), (adapter.multi_lora, router)):
            assert torch.equal(lora[int(index)]["q"][0], part[f"{layer}.to_q_lora.down.weight"])


@pytest.mark.parametrize("prefix", [STAGE_ONE, STAGE_TWO, "other."])
def test_a_file_without_both_stages_is_refused_in_one_sentence(stages, tmp_path, prefix):
    weights = {prefix + key: tensor for part in stages for key, tensor in part.items()}
    save_file(weights, tmp_path / "it.safetensors")
    with pytest.raises(
        UnknownCheckpointError, match=r"^it.safetensors holds \d+ keys .*not both stages of UniPortrait"
    ):
        read_uniportrait(tmp_path / "it.safetensors")


def test_a_missing_uniportrait_is_named(tmp_path):
    with pytest.raises(MissingModelFileError, match=r"it\.safetensors"):
        read_uniportrait(tmp_path / "it.safetensors")
