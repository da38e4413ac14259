"""Training steps on SDXL: shapes and gradients at full size without values, real steps of a narrow one in every precision."""

from __future__ import annotations

import itertools

import pytest
import torch

pytest.importorskip("accelerate")

from accelerate.state import AcceleratorState
from likeness.diffusers_host.base import load_base
from likeness.models.uniportrait.encode import ReferenceFeatures
from likeness.tests.diffusers_host.small_checkpoints import empty_checkpoint
from likeness.tests.training.small_run import config_for
from likeness.tests.training.small_world import small_batch, stage_one, stage_two
from likeness.training.batches.batch import Batch
from likeness.training.ip_adapter.batch import FaceBatch
from likeness.training.ip_adapter.method import FaceID
from likeness.training.ip_adapter.networks import new_networks as new_faceid
from likeness.training.loop import begin, new_accelerator, train
from likeness.training.uniportrait.networks import new_networks, new_routers
from likeness.training.uniportrait.people import Dropping
from likeness.training.uniportrait.stage1 import StageOne
from likeness.training.uniportrait.stage2 import Routing, StageTwo

DTYPES = {"no": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
PARTS = {1: {"id_embedding", "attention", "lora"}, 2: {"routers", "lora"}}


def empty_batch(people: int) -> Batch:
    """A picture of 1024 px without values; made on the meta device."""
    return Batch(
        positions=(0,),
        latents=torch.empty(1, 4, 128, 128),
        text=torch.empty(1, 77, 2048),
        pooled=torch.empty(1, 1280),
        sizes=torch.empty(1, 6),
        intrinsic=torch.empty(1, people, 49, 512),
        structure=torch.empty(1, people, 256, 1728),
        boxes=torch.empty(1, people, 4),
        present=torch.empty(1, people, dtype=torch.bool),
    )


@pytest.mark.long
@pytest.mark.parametrize("stage", [1, 2])
def test_every_trained_weight_of_a_full_size_sdxl_gets_a_gradient(stage):
    base = load_base(empty_checkpoint("sdxl"))
    with torch.device("meta"):
        nobody = ReferenceFeatures(intrinsic=torch.empty(1, 49, 512), structure=torch.empty(1, 256, 1728))
        networks, batch = new_networks(base.unet, nobody, rank=128, seed=0), empty_batch(people=stage)
        if stage == 1:
            method = StageOne(base, networks, nobody, dropping=Dropping(), seed=0)
        else:
            networks.routers = new_routers(networks, seed=0)
            method = StageTwo(base, networks, nobody, routing=Routing(), seed=0)
    method(batch)["loss"].backward()
    assert {name.split(".")[0] for name, _ in method.named_parameters()} == PARTS[stage]
    assert len(networks.attention if stage == 1 else networks.routers) == 70
    assert len(networks.lora.layers) == 140
    assert not [name for name, weight in method.named_parameters() if weight.grad is None]
    assert not any(weight.requires_grad for weight in base.unet.parameters())


@pytest.mark.long
def test_every_trained_weight_of_faceid_gets_a_gradient_from_a_full_size_sdxl():
    base = load_base(empty_checkpoint("sdxl"))
    with torch.device("meta"):
        networks, empty = new_faceid(base.unet, vector=512, rank=128, seed=0), empty_batch(people=1)
        batch = FaceBatch(
            positions=(0,), latents=empty.latents, text=empty.text, empty=empty.text, pooled=empty.pooled,
            empty_pooled=empty.pooled, sizes=empty.sizes, vectors=torch.empty(1, 512),
        )  # fmt: skip
        method = FaceID(base, networks, seed=0)
    method(batch)["loss"].backward()
    assert {name.split(".")[0] for name, _ in method.named_parameters()} == {"projection", "attention", "lora"}
    assert (len(networks.attention), len(networks.lora.layers)) == (70, 140)
    assert not [name for name, weight in method.named_parameters() if weight.grad is None]


class Pictures:
    """Random rows with the conditions of SDXL."""

    def __init__(self, people: int):
        self.people = people

    def read(self, first: int):
        return itertools.count(first)

    def batch(self, read: int) -> Batch:
        return small_batch(2, self.people, family="sdxl", first=2 * read)


@pytest.mark.parametrize("mixed", ["no", "bf16", pytest.param("fp16", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("stage", [1, 2])
def test_a_narrow_sdxl_learns_in_every_precision(tmp_path, stage, mixed):
    config = config_for(tmp_path, stage=stage, steps=2, mixed=mixed)
    AcceleratorState._reset_state(True)
    accelerator = new_accelerator(config, cpu=mixed != "fp16")
    method = stage_one("sdxl") if stage == 1 else stage_two("sdxl")
    method.base.unet.to(accelerator.device, DTYPES[mixed])
    for network in (method.networks.id_embedding, method.networks.attention):  # stage II keeps them frozen
        network.to(accelerator.device)
    run, losses = begin(config, method, accelerator), []
    before = {name: weight.detach().cpu().clone() for name, weight in method.named_parameters()}
    method.register_forward_hook(lambda module, args, given: losses.append(given["loss"].item()))
    train(run, Pictures(people=stage))
    after = {name: weight.detach().cpu() for name, weight in method.named_parameters()}
    assert (accelerator.scaler is not None) == (mixed == "fp16")
    assert len(losses) == 2
    assert torch.isfinite(torch.tensor(losses)).all()
    assert {name.split(".")[0] for name in after if not torch.equal(after[name], before[name])} == PARTS[stage]
    for name, weight in after.items():
        assert weight.dtype == torch.float32, name
        assert torch.isfinite(weight).all(), name
