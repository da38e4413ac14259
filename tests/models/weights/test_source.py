"""Weights from files and from dicts, and what is said of the wrong ones."""

import pytest
import torch
from likeness.models.errors import MissingModelFileError, UnknownCheckpointError
from likeness.models.weights.source import read_flat, read_weights

ROUTER = {"faceid_adapter": {"1.to_q_router.0.weight": torch.ones(2, 3)}}
FACEID = {"faceid_proj": {"latents": torch.ones(1)}, "faceid_adapter": {"1.to_k_faceid.weight": torch.ones(2, 3)}}


def test_a_dict_and_a_file_give_the_same_flat_weights(tmp_path):
    torch.save(ROUTER, tmp_path / "router.bin")
    given, name = read_weights(ROUTER, "router")
    read, file = read_weights(tmp_path / "router.bin", "router")
    assert list(given) == list(read) == ["faceid_adapter.1.to_q_router.0.weight"]
    assert torch.equal(*(each["faceid_adapter.1.to_q_router.0.weight"] for each in (given, read)))
    assert (name, file) == ("The given weights", '"router.bin"')


def test_a_file_of_another_kind_is_named_with_both_places(tmp_path):
    torch.save(FACEID, tmp_path / "a.bin")
    with pytest.raises(UnknownCheckpointError) as refused:
        read_weights(tmp_path / "a.bin", "router")
    assert str(refused.value) == (
        '"a.bin" is not a UniPortrait router file: it holds 2 keys beginning "faceid_proj.latents", "faceid_adapter.1" and '
        'looks like a UniPortrait faceid file, which belongs in "faceid" of Load UniPortrait. Choose a UniPortrait router '
        'file in "router" of Load UniPortrait.'
    )


@pytest.mark.parametrize(
    ("weights", "looks"),
    [
        ({"lora_unet_a": torch.ones(1)}, "looks like a LoRA. Choose"),
        ({"strange": torch.ones(1)}, "looks like no adapter known here. Choose"),
        ({}, "no tensors"),
    ],
)
def test_what_belongs_nowhere_is_named_too(weights, looks):
    with pytest.raises(UnknownCheckpointError, match=looks):
        read_weights(weights, "faceid")


def test_anything_can_be_read_flat_but_has_to_be_there(tmp_path):
    weights, _ = read_flat({"state_dict": {"a": {"b": torch.ones(1)}}, "epoch": 3})
    assert list(weights) == ["a.b"]
    with pytest.raises(MissingModelFileError):
        read_flat(tmp_path / "gone.bin")
