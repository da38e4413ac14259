"""Ways to train a full-size SD1.5 with random weights, as one step each: plain LoRA, UniPortrait's stages, FaceStudio's forms."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import torch
from likeness.diffusers_host.base import Base, load_base
from likeness.models.uniportrait.encode import ReferenceFeatures
from likeness.tools.weights import layouts
from likeness.tools.weights.write import fill
from likeness.training.batches.batch import Batch
from likeness.training.batches.draws import Draws
from likeness.training.denoising import denoising_loss
from likeness.training.facestudio.batch import StyleBatch
from likeness.training.facestudio.method import FaceStudio
from likeness.training.facestudio.networks import Form
from likeness.training.facestudio.networks import new_networks as new_facestudio
from likeness.training.facestudio.start import Start
from likeness.training.uniportrait.config import StageOneConfig, StageTwoConfig
from likeness.training.uniportrait.networks import new_networks, new_routers
from likeness.training.uniportrait.people import Dropping
from likeness.training.uniportrait.stage1 import StageOne
from likeness.training.uniportrait.stage2 import Routing, StageTwo
from torch import Tensor, nn

PLAIN = "plain-lora"
STAGE1, STAGE2 = StageOneConfig.name, StageTwoConfig.name
FORMS: dict[str, Form] = {"facestudio-light": "light", "facestudio-full": "full"}
LIGHT, FULL = FORMS
PEOPLE = {PLAIN: 1, STAGE1: 1, STAGE2: 2, LIGHT: 1, FULL: 1}
STYLE = Start(style=768, length=10.0, spread=1.0)
LEARNING_RATE, LONGEST_GRADIENT = 1e-5, 1.0  # as in the trainer's configuration


class PlainLoRA:
    """LoRA on all attention projections by peft, as diffusers' own training programs put it into a UNet."""

    def __init__(self, base: Base, rank: int):
        from peft import LoraConfig

        targets = ["to_q", "to_k", "to_v", "to_out.0"]
        base.unet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=targets))
        self.base = base

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        """The denoising loss."""
        return {"loss": denoising_loss(self.base, batch, Draws(0, batch.positions))}

    def trained(self) -> Iterator[nn.Parameter]:
        """What peft added."""
        return (weight for weight in self.base.unet.parameters() if weight.requires_grad)


def new_base(device: torch.device) -> Base:
    """A full-size SD1.5, float32; random weights, or none on the meta device."""
    layout = layouts.stable_diffusion()
    if device.type == "meta":
        return load_base({key: torch.empty(shape, device=device) for key, shape in layout.items()})
    return load_base(fill({"": layout}, torch.float32)[""]).to(device)


def new_method(name: str, base: Base, rank: int, *, alone: bool = False) -> Any:
    """A way to train, attached to a UNet of its own that shares the base's frozen weights; `FULL` freezes and shares none.

    Args:
        name: a key of `PEOPLE`.
        base: left as it is.
        rank: of the LoRA.
        alone: nothing else uses the base, so that `FULL` needs no second UNet beside it; it changes the base then.
    """
    kept = () if name == FULL and not alone else chain(base.unet.parameters(), base.unet.buffers())
    shared = {id(tensor): tensor for tensor in kept}
    base = replace(base, unet=copy.deepcopy(base.unet, shared))
    with torch.device(base.unet.device):
        if name == PLAIN:
            return PlainLoRA(base, rank)
        if name in FORMS:
            return FaceStudio(base, new_facestudio(base.unet, STYLE, seed=0, form=FORMS[name], rank=rank), seed=0)
        nobody = ReferenceFeatures(intrinsic=torch.zeros(1, 49, 512), structure=torch.zeros(1, 256, 1728))
        networks = new_networks(base.unet, nobody, rank=rank, seed=0)
        if name == STAGE1:
            return StageOne(base, networks, nobody, dropping=Dropping(), seed=0)
        networks.routers = new_routers(networks, seed=0)
        return StageTwo(base, networks, nobody, routing=Routing(), seed=0)


def new_batch(name: str, side: int) -> Batch | StyleBatch:
    """One random picture, as a way to train is shown it.

    Args:
        name: a key of `PEOPLE`.
        side: of the picture, pixels.
    """
    people, generator = PEOPLE[name], torch.Generator().manual_seed(0)

    def randn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    sizes = torch.tensor([[side, side, 0, 0, side, side]])
    if name in FORMS:
        latents = randn(1, 4, side // 8, side // 8)
        return StyleBatch(positions=(0,), latents=latents, style=randn(1, STYLE.style), face=randn(1, 512), sizes=sizes)
    lefts = torch.arange(people) / people
    boxes = torch.stack([lefts, torch.full((people,), 0.2), lefts + 0.8 / people, torch.full((people,), 0.6)], dim=-1)
    return Batch(
        positions=(0,),
        latents=randn(1, 4, side // 8, side // 8),
        text=randn(1, 77, 768),
        pooled=None,
        sizes=sizes,
        intrinsic=randn(1, people, 49, 512),
        structure=randn(1, people, 256, 1728),
        boxes=boxes[None],
        present=torch.ones(1, people, dtype=torch.bool),
    )


def new_step(method: Any, batch: Batch | StyleBatch) -> Callable[[], Tensor]:
    """One optimizer step: forward, backward, clip, AdamW; gives the loss.

    AdamW is fused as in the training loop, and for plain LoRA as diffusers' programs call it.
    """
    parameters = list(method.trained())
    fused = not isinstance(method, PlainLoRA) and not parameters[0].is_meta
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, fused=fused)
    given: Any = batch.to(parameters[0].device)  # of the method's own kind

    def step() -> Tensor:
        loss = method(given)["loss"]
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, LONGEST_GRADIENT)
        optimizer.step()
        optimizer.zero_grad()
        if loss.is_cuda:
            torch.cuda.synchronize()
        return loss.detach()

    return step
