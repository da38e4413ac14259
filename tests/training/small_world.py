"""A tiny base model, tiny UniPortrait networks and random people, for the tests of methods and of the loop."""

from __future__ import annotations

import copy
from functools import cache

import torch
from diffusers import AutoencoderKL
from likeness.diffusers_host.attention import find_sites
from likeness.diffusers_host.base import Base, new_schedule
from likeness.models.uniportrait.encode import ReferenceFeatures
from likeness.models.uniportrait.id_embedding import IDEmbedding, IDEmbeddingSizes
from likeness.tests.small_unets import SD15, SDXL, build
from likeness.training.adapter_networks import LoRALayers, lora_shapes, new_attention
from likeness.training.batches.batch import Batch
from likeness.training.uniportrait.networks import UniPortraitNetworks, new_routers
from likeness.training.uniportrait.people import Dropping
from likeness.training.uniportrait.stage1 import StageOne
from likeness.training.uniportrait.stage2 import Routing, StageTwo

WIDTH = 24  # of the context
SIZES = IDEmbeddingSizes(
    tokens=4, dim=16, dim_head=8, inner=16, depth=2, intrinsic=6, structure=10, hidden_intrinsic=12,
    hidden_structure=20, hidden_feed=32, output=WIDTH,
)  # fmt: skip
NO_DROPS = Dropping(token=0, path=0, face=0)


@cache
def _unet(family: str):
    return build(SD15 if family == "sd15" else SDXL)


@cache
def _vae():
    torch.manual_seed(0)
    return AutoencoderKL(block_out_channels=(8,), norm_num_groups=4, layers_per_block=1).eval().requires_grad_(False)


def small_base(family="sd15", prediction="eps") -> Base:
    return Base(
        unet=copy.deepcopy(_unet(family)),
        vae=_vae(),
        text_encoders=(),
        family=family,
        prediction=prediction,
        schedule=new_schedule(prediction, zero_terminal=False),
    )


def small_networks(base, *, rank=2, seed=0, routers=False) -> UniPortraitNetworks:
    torch.manual_seed(seed)
    embedding = IDEmbedding(SIZES)
    torch.nn.init.normal_(embedding.latents)
    lora = LoRALayers(lora_shapes(base.unet, find_sites(base.unet)), rank)
    networks = UniPortraitNetworks(embedding, new_attention(base.unet), lora, torch.nn.ModuleDict())
    if routers:
        networks.routers = new_routers(networks, seed=seed)
    return networks


def nobody() -> ReferenceFeatures:
    generator = torch.Generator().manual_seed(99)
    return ReferenceFeatures(intrinsic=torch.zeros(1, 3, 6), structure=torch.randn(1, 5, 10, generator=generator))


def small_batch(rows=2, people=1, *, family="sd15", first=0, contents=None) -> Batch:
    """Rows of the run from `first` on; what a row shows depends on its number in `contents`, by default its place."""
    shown = contents or list(range(first, first + rows))
    made = []
    for content in shown:
        generator = torch.Generator().manual_seed(content)

        def randn(*shape, generator=generator):
            return torch.randn(*shape, generator=generator)

        lefts = torch.arange(people) / people
        made.append(
            {
                "latents": randn(4, 8, 8),
                "text": randn(7, WIDTH),
                "pooled": randn(16),
                "intrinsic": randn(people, 3, 6),
                "structure": randn(people, 5, 10),
                "boxes": torch.stack([lefts, torch.full((people,), 0.25), lefts + 0.9 / people, torch.ones(people)], 1),
            }
        )
    stacked = {key: torch.stack([one[key] for one in made]) for key in made[0]}
    if family == "sd15":
        stacked["pooled"] = None
    sizes = torch.tensor([[64, 64, 0, 0, 64, 64]]).expand(rows, -1)
    present = torch.ones(rows, people, dtype=torch.bool)
    return Batch(positions=tuple(range(first, first + rows)), sizes=sizes, present=present, **stacked)


def stage_one(family="sd15", *, prediction="eps", dropping=NO_DROPS, seed=0) -> StageOne:
    base = small_base(family, prediction)
    return StageOne(base, small_networks(base), nobody(), dropping=dropping, seed=seed)


def stage_two(family="sd15", *, routing=None, seed=0) -> StageTwo:
    base = small_base(family)
    networks = small_networks(base, routers=True)
    return StageTwo(base, networks, nobody(), routing=routing or Routing(drop_face=0), seed=seed)
