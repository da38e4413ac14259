"""FaceStudio for the tiny models: a file with keys and values, LoRA or a whole UNet, and encoders of pixels alone."""

from __future__ import annotations

import pytest
import torch
from likeness.models.facestudio.checkpoint import load
from likeness.models.facestudio.description import Description
from likeness.models.facestudio.style import Style
from likeness.tests.host.conftest import CONTEXT
from likeness.tests.people import PixelEmbeddings, PixelVectors

STYLE, FACE, TOKENS, RANK, POOLED = 12, 10, 4, 2, 16
DESCRIPTION = Description(encoder="other", space="small", face_width=FACE)


@pytest.fixture(scope="session")
def facestudio_weights(tiny_model, cross_sites):
    """A builder: the weights of a file for a tiny model; `whole` holds all of another UNet, `pooled` SDXL's layer."""

    def build(kind="sd15", *, whole=False, pooled=False):
        model, generator = tiny_model(kind), torch.Generator().manual_seed(31)

        def random(*shape):
            return torch.randn(shape, generator=generator) / shape[-1] ** 0.5

        found = {"layer.weight": random(TOKENS * CONTEXT, STYLE + FACE) * 3, "layer.bias": random(TOKENS, CONTEXT)}
        if pooled:
            found |= {
                "pooled.weight": random(POOLED, CONTEXT),
                "pooled.bias": random(POOLED),
                "pooled.empty": random(POOLED),
            }
        if whole:
            from comfy.utils import unet_to_diffusers

            names = unet_to_diffusers(model.model.model_config.unet_config)
            own = tiny_model(kind, seed=8).model.diffusion_model.state_dict()
            return found | {f"unet.{name}": own[key] for name, key in names.items() if key in own}
        for site in cross_sites(model):
            for part in "kv":
                found[f"attention.{site.index}.to_{part}.weight"] = random(site.channels, CONTEXT)
            for index in (site.index - 1, site.index):
                for part in ("q", "k", "v", "out") if index % 2 == 0 else ("q", "out"):
                    found[f"lora.{index}.to_{part}_lora.down.weight"] = random(RANK, site.channels)
                    found[f"lora.{index}.to_{part}_lora.up.weight"] = random(site.channels, RANK)
        return found

    return build


@pytest.fixture(scope="session")
def facestudio(facestudio_weights):
    """A builder: a file as the node loads it, with encoders that stand in for CLIP and the recogniser."""
    from likeness.host.facestudio.trained import new_trained

    def build(kind="sd15", **given):
        adapter = load(facestudio_weights(kind, **given), description=DESCRIPTION)
        return new_trained(adapter, embedder=PixelEmbeddings(STYLE), recogniser=PixelVectors(FACE))

    return build


@pytest.fixture(scope="session")
def style():
    """A builder: a random style of the small space, `style("picture")`."""
    from likeness.models.facestudio.style import Space

    def build(source="picture", seed=0, width=STYLE, name="small"):
        generator = torch.Generator().manual_seed(seed)
        return Style(embedding=torch.randn(1, width, generator=generator), space=Space(name, width), source=source)

    return build
