"""IP-Adapters of every kind for the tiny models, with encoders that depend on pixels alone."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from likeness.models.adapters.id_projection import FacesProjection, IDProjection
from likeness.models.adapters.resampler import LearnedResampler, ResamplerSizes
from likeness.models.ip_adapter.encoders import IPAdapterEncoders
from likeness.models.ip_adapter.projection import FullFaceProjection, ImagePromptProjection
from likeness.tests.host.conftest import CONTEXT, FACE, filled
from likeness.tests.models.consistentid.small_encoders import SmallRecogniser
from likeness.tests.people import PixelEmbeddings, PixelTokens

SEEN, RANK, TOKENS = 12, 3, 4  # width of what CLIP gives; of the LoRA; tokens of an adapter
FACES = ("faceid", "faceid plus", "portrait")


def sizes() -> ResamplerSizes:
    return ResamplerSizes(features=SEEN, dim=CONTEXT, inner=16, dim_head=8, hidden=4 * CONTEXT, depth=2, output=CONTEXT)


PROJECTIONS = {
    "plain": lambda: ImagePromptProjection(SEEN, TOKENS, CONTEXT),
    "plus": lambda: LearnedResampler(sizes(), 16),
    "full face": lambda: FullFaceProjection(SEEN, CONTEXT),
    "faceid": lambda: FacesProjection(FACE, 12, TOKENS, CONTEXT),
    "faceid plus": lambda: IDProjection(FACE, 12, TOKENS, sizes()),
    "portrait": lambda: FacesProjection(FACE, 12, 16, CONTEXT),
}


@pytest.fixture(scope="session")
def ip_adapter_weights(tiny_model, cross_sites):
    """A builder: the weights of an adapter for a tiny model, as in a published `.bin`."""

    def build(network, kind="sd15", *, lora=None):
        generator, layers = torch.Generator().manual_seed(21), {}
        for site in cross_sites(tiny_model(kind)):
            for part in "kv":
                weight = torch.randn(site.channels, CONTEXT, generator=generator)
                layers[f"{site.index}.to_{part}_ip.weight"] = weight / CONTEXT**0.5
            if not (network.startswith("faceid") if lora is None else lora):
                continue
            for index in (site.index - 1, site.index):
                for part in ("q", "k", "v", "out"):
                    inputs = CONTEXT if index % 2 and part in "kv" else site.channels
                    down, up = (
                        torch.randn(*shape, generator=generator) for shape in ((RANK, inputs), (site.channels, RANK))
                    )
                    layers[f"{index}.to_{part}_lora.down.weight"] = down / inputs**0.5
                    layers[f"{index}.to_{part}_lora.up.weight"] = 0.1 * up
        projection = filled(PROJECTIONS[network](), 22).state_dict()
        return {"image_proj": projection, "ip_adapter": layers}

    return build


@pytest.fixture(scope="session")
def ip_adapter(ip_adapter_weights):
    """A builder: an adapter as the node loads it, with encoders that stand in for CLIP and the recogniser."""
    from likeness.host.ip_adapter.adapter import new_ip_adapter
    from likeness.models.ip_adapter.checkpoint import load

    def build(network, kind="sd15", **given):
        adapter = load(ip_adapter_weights(network, kind, **given), dim_head=8)
        encoders = IPAdapterEncoders(
            clip=PixelTokens(SEEN), embedder=PixelEmbeddings(SEEN), recogniser=SmallRecogniser(FACE)
        )
        return dataclasses.replace(new_ip_adapter(adapter), encoders=encoders)

    return build
