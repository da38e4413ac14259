"""The file of the miniature's UniPortrait: both stages, and nothing less."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.networks.untrained import new_base
from likeness.models.errors import MissingModelFileError, UnknownCheckpointError
from likeness.models.miniature.uniportrait_file import STAGE_ONE, STAGE_TWO, read_uniportrait
from likeness.models.uniportrait.features import ReferenceFeatures
from likeness.models.weights.state_dict import flatten, subset
from likeness.tests.miniature.small_base import SIZES
from likeness.tests.models.miniature.stored_weights import assert_equal
from likeness.training.uniportrait.networks import faceid_weights, new_networks, new_routers, router_weights
from safetensors.torch import save_file


@pytest.fixture(scope="module")
def stages():
    """What both stages leave for a base of a few channels."""
    nobody = ReferenceFeatures(intrinsic=torch.zeros(1, 3, 6), structure=torch.zeros(1, 5, 10))
    networks = new_networks(new_base(SIZES, seed=0).unet, nobody, rank=2, seed=0)
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


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingModelFileError, match=r"it\.safetensors"):
        read_uniportrait(tmp_path / "it.safetensors")
