"""The networks that IP-Adapter FaceID adds to a base model: new ones, those of a file, and back to the published keys."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ...diffusers_host.attention import find_sites
from ...models.adapters.id_projection import FacesProjection
from ...models.adapters.weights import key_shape
from ...models.errors import IncompatibleBaseModelError, InvalidSettingError
from ...models.ip_adapter.checkpoint import IPAdapter
from ...models.ip_adapter.kinds import Kind
from ..adapter_networks import LoRALayers, Weights, lora_of, lora_shapes, lora_weights, new_attention, token_weights

TOKENS = 4  # of a face, as published


@dataclass(eq=False, slots=True)
class FaceIDNetworks:
    """IP-Adapter FaceID's parts; the method registers them.

    Attributes:
        projection: face vectors to tokens, or what another adapter reads instead of them.
        attention: a KeyValueProjection per cross-attention layer, by site index.
        lora: a LoRALayer per attention layer and projection.
    """

    projection: nn.Module
    attention: nn.ModuleDict
    lora: LoRALayers


def new_networks(unet: nn.Module, *, vector: int, rank: int, seed: int) -> FaceIDNetworks:
    """Untrained networks in the published form: twice as wide inside the projection as the vectors.

    Args:
        unet: of the base model.
        vector: V, width of the face vectors.
        rank: of the LoRA, which begins at zero effect.
        seed: of the random weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        attention = new_attention(unet)
        _, width = key_shape(attention, int(next(iter(attention))))
        projection = FacesProjection(vector, 2 * vector, TOKENS, width)
        lora = LoRALayers(lora_shapes(unet, find_sites(unet)), rank)
    return FaceIDNetworks(projection, attention, lora)


def networks_of(adapter: IPAdapter, unet: nn.Module) -> FaceIDNetworks:
    """The networks of a file, float32, to go on training from them.

    Raises:
        InvalidSettingError: if the file is another kind of IP-Adapter, or has no LoRA of the layers that are trained here.
        IncompatibleBaseModelError: if it was made for another base model.
    """
    if adapter.kind is not Kind.FACEID or adapter.lora is None or not isinstance(adapter.projection, FacesProjection):
        lacks = "a FaceID without its LoRA" if adapter.kind is Kind.FACEID else f"a {adapter.recognised.version}"
        raise InvalidSettingError(
            f"The adapter to begin from is {lacks}; name an export of ours or a published ip-adapter-faceid .bin file, which "
            "holds it."
        )
    sites = find_sites(unet)
    if {site.index: site.channels for site in sites if site.kind == "cross"} != adapter.widths:
        raise IncompatibleBaseModelError(
            f"The adapter to begin from has {len(adapter.widths)} layers, and they are not those of this base model; choose an "
            "adapter and a base model of one architecture."
        )
    lora = lora_of(adapter.lora, lora_shapes(unet, sites))
    return FaceIDNetworks(adapter.projection.float(), adapter.attention.float(), lora)


def faceid_weights(networks: FaceIDNetworks) -> Weights:
    """Everything, under the keys of the published files."""
    projection = {key: tensor.detach() for key, tensor in networks.projection.state_dict().items()}
    layers = lora_weights(networks.lora) | token_weights(networks.attention, "ip")
    return {"image_proj": projection, "ip_adapter": layers}
