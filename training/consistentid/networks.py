"""The networks that ConsistentID adds to a base model: new ones, and back to the published keys."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import torch
from torch import Tensor, nn

from ...diffusers_host.attention import find_sites
from ...models.adapters.resampler import ResamplerSizes
from ...models.adapters.weights import key_shape
from ...models.consistentid.facial_encoder import FacialEncoder
from ...models.consistentid.id_projection import IDProjection
from ..adapter_networks import LoRALayers, Weights, lora_shapes, lora_weights, new_attention, token_weights

TOKENS = 4  # of a person, as published
ID_DEPTH = 4  # layers of the published resampler for ID tokens, which is as wide as the text
REGION_DEPTH, REGION_WIDTH = 8, 1024  # of the one for regions, whatever the text has
DIM_HEAD = 64
LATENT_SPREAD = 0.02


@dataclass(eq=False, slots=True)
class ConsistentIDNetworks:
    """ConsistentID's parts; the method registers them.

    Attributes:
        id_projection: face vector and photo to ID tokens.
        facial_encoder: region pictures into text rows.
        attention: a KeyValueProjection per cross-attention layer, by site index.
        lora: a LoRALayer per attention layer and projection.
    """

    id_projection: IDProjection
    facial_encoder: FacialEncoder
    attention: nn.ModuleDict
    lora: LoRALayers


def new_networks(
    unet: nn.Module, *, vector: int, image: int, rank: int, seed: int, depth: int | None = None
) -> ConsistentIDNetworks:
    """Untrained networks in the published form.

    Args:
        unet: of the base model.
        vector: width of the recogniser's vectors.
        image: width of the image encoder's tokens.
        rank: of the LoRA, which begins at zero effect.
        seed: of the random weights.
        depth: layers of both resamplers, which are then as wide as the text; None for the published sizes.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        attention = new_attention(unet)
        _, width = key_shape(attention, int(next(iter(attention))))
        region_width = REGION_WIDTH if depth is None else width
        head = gcd(width, region_width, DIM_HEAD)  # no tensor tells it; the loader takes the same

        def sizes(inside: int, layers: int) -> ResamplerSizes:
            return ResamplerSizes(
                features=image,
                dim=inside,
                inner=inside,
                dim_head=head,
                hidden=4 * inside,
                depth=layers,
                output=width,
            )

        facial_encoder = FacialEncoder(sizes(region_width, depth or REGION_DEPTH))
        nn.init.normal_(facial_encoder.visual_projection.latents, std=LATENT_SPREAD)
        id_projection = IDProjection(vector, 2 * vector, TOKENS, sizes(width, depth or ID_DEPTH))
        lora = LoRALayers(lora_shapes(unet, find_sites(unet)), rank)
    return ConsistentIDNetworks(id_projection, facial_encoder, attention, lora)


def consistentid_weights(networks: ConsistentIDNetworks) -> Weights:
    """Everything, under the keys of the published file for SD1.5."""
    layers = lora_weights(networks.lora) | token_weights(networks.attention, "ip")
    return {
        "image_proj": _tensors(networks.id_projection),
        "FacialEncoder": _tensors(networks.facial_encoder),
        "adapter_modules": layers,
    }


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    return {key: tensor.detach() for key, tensor in module.state_dict().items()}
