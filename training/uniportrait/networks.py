"""The networks that UniPortrait adds to a base model: new ones, those of a file, and back to the published keys."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import torch
from torch import nn

from ...diffusers_host.attention import find_sites
from ...models.adapters.weights import key_shape
from ...models.errors import IncompatibleBaseModelError
from ...models.uniportrait.checkpoint import UniPortraitAdapter
from ...models.uniportrait.encode import ReferenceFeatures
from ...models.uniportrait.id_embedding import IDEmbedding, IDEmbeddingSizes
from ...models.uniportrait.id_routing import IDRouter
from ..adapter_networks import LoRALayers, Weights, lora_of, lora_shapes, lora_weights, new_attention, token_weights

TOKENS = 16  # queries of the published ID embedding
DEPTH = 6
DIM_HEAD = 64
WIDEST = 1280  # inside the ID embedding; SDXL's tokens are wider [choice, as IP-Adapter Plus]
LATENT_SPREAD = 0.02


@dataclass(eq=False, slots=True)
class UniPortraitNetworks:
    """UniPortrait's parts; a method registers those that it trains.

    Attributes:
        id_embedding: features to identity tokens.
        attention: a KeyValueProjection per cross-attention layer, by site index.
        lora: a LoRALayer per attention layer and projection.
        routers: an IDRouter per cross-attention layer; empty in stage I.
    """

    id_embedding: IDEmbedding
    attention: nn.ModuleDict
    lora: LoRALayers
    routers: nn.ModuleDict


def new_networks(unet: nn.Module, like: ReferenceFeatures, *, rank: int, seed: int) -> UniPortraitNetworks:
    """Untrained networks of the published sizes, for stage I.

    Args:
        unet: of the base model.
        like: anybody's features; only their widths count.
        rank: of the LoRA, which begins at zero effect.
        seed: of the random weights.
    """
    sites = find_sites(unet)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        attention = new_attention(unet)
        _, width = key_shape(attention, int(next(iter(attention))))
        id_embedding = new_id_embedding(width, like)
        lora = LoRALayers(lora_shapes(unet, sites), rank)
    return UniPortraitNetworks(id_embedding, attention, lora, nn.ModuleDict())


def new_id_embedding(width: int, like: ReferenceFeatures) -> IDEmbedding:
    """An ID embedding with the published depth and number of tokens, for a context and features of any width."""
    inner = min(width, WIDEST)
    intrinsic, structure = like.intrinsic.shape[-1], like.structure.shape[-1]
    module = IDEmbedding(
        IDEmbeddingSizes(
            tokens=TOKENS,
            dim=inner,
            dim_head=gcd(inner, DIM_HEAD),  # no tensor tells it; the loader takes the same
            inner=inner,
            depth=DEPTH,
            intrinsic=intrinsic,
            structure=structure,
            hidden_intrinsic=2 * intrinsic,
            hidden_structure=2 * structure,
            hidden_feed=4 * inner,
            output=width,
        )
    )
    nn.init.normal_(module.latents, std=LATENT_SPREAD)
    return module


def networks_of(adapter: UniPortraitAdapter, unet: nn.Module) -> UniPortraitNetworks:
    """The networks of a file, float32, to go on training from them; routers as far as it has any.

    The LoRA for several people is taken where there is one, else the one for one person.

    Raises:
        IncompatibleBaseModelError: if the file was made for another base model.
        InvalidSettingError: if its LoRA is not of the layers that are trained here.
    """
    sites = find_sites(unet)
    wanted = {site.index: site.channels for site in sites if site.kind == "cross"}
    if wanted != adapter.widths:
        raise IncompatibleBaseModelError(
            f"The adapter to begin from has {len(adapter.widths)} layers, this base model {len(wanted)}, or they are of "
            "other widths; choose an adapter and a base model of one architecture."
        )
    lora = lora_of(adapter.multi_lora or adapter.single_lora, lora_shapes(unet, sites))
    return UniPortraitNetworks(
        adapter.id_embedding.float(), adapter.face_attention.float(), lora, adapter.routers.float()
    )


def new_routers(networks: UniPortraitNetworks, *, seed: int) -> nn.ModuleDict:
    """Untrained routers of the published sizes, one per layer that has keys and values."""
    routers = nn.ModuleDict()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for index in networks.attention:
            channels, width = key_shape(networks.attention, int(index))
            routers[index] = IDRouter(
                channels=channels,
                hidden_position=2 * channels,
                hidden_identity=2 * width,
                tokens=networks.id_embedding.num_tokens,
                width=width,
            )
    return routers


def faceid_weights(networks: UniPortraitNetworks) -> Weights:
    """What stage I trained, under the keys of the published faceid file."""
    layers = lora_weights(networks.lora) | token_weights(networks.attention, "faceid")
    embedding = {key: tensor.detach() for key, tensor in networks.id_embedding.state_dict().items()}
    return {"faceid_proj": embedding, "faceid_adapter": layers}


def router_weights(networks: UniPortraitNetworks) -> Weights:
    """What stage II trained, under the keys of the published router file."""
    routers = {key: tensor.detach() for key, tensor in networks.routers.state_dict().items()}
    return {"faceid_adapter": lora_weights(networks.lora) | routers}
