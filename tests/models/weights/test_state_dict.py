import pytest
import torch
from likeness.models.errors import UnknownCheckpointError
from likeness.models.weights import state_dict
from likeness.models.weights.state_dict import Signature
from torch import nn


def linear() -> nn.Module:
    with torch.device("meta"):
        return nn.Sequential(*(nn.Linear(2, 2) for _ in range(10)))


def test_flatten_joins_nested_keys_and_drops_the_rest():
    nested = {"state_dict": {"a": {"1.b": torch.zeros(1)}, "epoch": 3}}

    assert list(state_dict.flatten(nested)) == ["a.1.b"]


def test_flatten_keeps_flat_keys():
    assert list(state_dict.flatten({"a.b": torch.zeros(1), "a": {"c": torch.zeros(1)}})) == ["a.b", "a.c"]


def test_the_first_fitting_signature_wins():
    narrow = Signature(kind="narrow", description="n", has=("a", "b"))
    wide = Signature(kind="wide", description="w", has=("a",), lacks=("c",))

    assert state_dict.identify(["a.1", "b.1"], (narrow, wide)) is narrow
    assert state_dict.identify(["a.1"], (narrow, wide)) is wide
    assert state_dict.identify(["a.1", "c.1"], (narrow, wide)) is None


def test_report_names_eight_faults_of_a_kind():
    with pytest.raises(UnknownCheckpointError, match=r"20 missing .*and 12 more") as caught:
        state_dict.load_strictly(linear(), {}, "The thing")

    assert str(caught.value).startswith("The thing ")
    assert str(caught.value).count("weight") + str(caught.value).count("bias") == 8


def test_loading_leaves_the_callers_tensors_alone():
    given = {f"{place}.{part}": torch.ones(2, 2) if part == "weight" else torch.ones(2)
             for place in range(10) for part in ("weight", "bias")}  # fmt: skip

    module = state_dict.load_strictly(linear(), given, "The thing", dtype=torch.float64)

    assert not module.training
    assert all(tensor.dtype == torch.float32 for tensor in given.values())
    assert all(p.dtype == torch.float64 and not p.requires_grad for p in module.parameters())
