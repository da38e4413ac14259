"""The networks that UniPortrait adds to a base model: new ones, those of a file, and back to the published keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from typing import cast

import torch
from torch import Tensor, nn

from ..models.adapter_layers import LoRA, key_shape
from ..models.attention import AttentionSite
from ..models.errors import IncompatibleBaseModelError
from ..models.layers.key_value import KeyValueProjection
from ..models.uniportrait.checkpoint import UniPortraitAdapter
from ..models.uniportrait.features import ReferenceFeatures
from ..models.uniportrait.id_embedding import IDEmbedding, IDEmbeddingSizes
from ..models.uniportrait.id_routing import IDRouter
from .diffusers_host import PROJECTIONS, find_sites

TOKENS = 16  # queries of the published ID embedding
DEPTH = 6
DIM_HEAD = 64
WIDEST = 1280  # inside the ID embedding; SDXL's tokens are wider [choice, as IP-Adapter Plus]
LATENT_SPREAD = 0.02

Weights = dict[str, dict[str, Tensor]]  # as published: part of the file → key → tensor


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


class LoRALayers(nn.Module):
    """Low-rank branches of attention layers, keys as published.

    Args:
        shapes: site index → projection → (outputs, inputs).
        rank: of all branches.
    """

    def __init__(self, shapes: Mapping[int, Mapping[str, tuple[int, int]]], rank: int):
        super().__init__()
        self.layers = nn.ModuleDict()
        for index, projections in shapes.items():
            layer = nn.ModuleDict()
            for projection, (outputs, inputs) in projections.items():
                down, up = nn.Linear(inputs, rank, bias=False), nn.Linear(rank, outputs, bias=False)
                nn.init.normal_(down.weight, std=1 / rank)
                nn.init.zeros_(up.weight)
                layer[f"to_{projection}_lora"] = nn.ModuleDict({"down": down, "up": up})
            self.layers[str(index)] = layer

    def pairs(self) -> LoRA:
        """The matrices as `attach` takes them; training changes them in place."""
        found: LoRA = {}
        for index, layer in self.layers.items():
            for name, pair in cast(nn.ModuleDict, layer).items():
                down, up = (cast(nn.Linear, cast(nn.ModuleDict, pair)[half]).weight for half in ("down", "up"))
                found.setdefault(int(index), {})[name.split("_")[1]] = (down, up)
        return found

    def fill(self, lora: LoRA) -> None:
        """Take over the values of another LoRA, which must have the same layers and rank."""
        with torch.no_grad():
            for index, projections in self.pairs().items():
                for projection, pair in projections.items():
                    for mine, theirs in zip(pair, lora[index][projection], strict=True):
                        mine.copy_(theirs)


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


def new_attention(unet: nn.Module) -> nn.ModuleDict:
    """Keys and values of every cross-attention layer, beginning as the UNet's own for text (as IP-Adapter's do)."""
    cross = (site for site in find_sites(unet) if site.kind == "cross")
    return nn.ModuleDict({str(site.index): _as_for_text(unet, site) for site in cross})


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
    """
    sites = find_sites(unet)
    wanted = {site.index: site.channels for site in sites if site.kind == "cross"}
    if wanted != adapter.widths:
        raise IncompatibleBaseModelError(
            f"The adapter to begin from has {len(adapter.widths)} layers, this base model {len(wanted)}, or they are of "
            "other widths; choose an adapter and a base model of one architecture."
        )
    pairs = adapter.multi_lora or adapter.single_lora
    down, _ = next(iter(next(iter(pairs.values())).values()))
    lora = LoRALayers(lora_shapes(unet, sites), down.shape[0])
    lora.fill(pairs)
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
    layers = lora_weights(networks.lora)
    for index in networks.attention:
        projection = cast(KeyValueProjection, networks.attention[index])
        layers[f"{index}.to_k_faceid.weight"] = projection.to_k.weight.detach()
        layers[f"{index}.to_v_faceid.weight"] = projection.to_v.weight.detach()
    embedding = {key: tensor.detach() for key, tensor in networks.id_embedding.state_dict().items()}
    return {"faceid_proj": embedding, "faceid_adapter": layers}


def router_weights(networks: UniPortraitNetworks) -> Weights:
    """What stage II trained, under the keys of the published router file."""
    routers = {key: tensor.detach() for key, tensor in networks.routers.state_dict().items()}
    return {"faceid_adapter": lora_weights(networks.lora) | routers}


def lora_weights(lora: LoRALayers) -> dict[str, Tensor]:
    """All matrices, keys beginning with the layer's number."""
    return {key: tensor.detach() for key, tensor in lora.layers.state_dict().items()}


def lora_shapes(unet: nn.Module, sites: Sequence[AttentionSite]) -> dict[int, dict[str, tuple[int, int]]]:
    """(outputs, inputs) of q, k, v and out of every attention layer."""
    shapes: dict[int, dict[str, tuple[int, int]]] = {}
    for site in sites:
        for projection, name in PROJECTIONS.items():
            layer = cast(nn.Linear, unet.get_submodule(f"{site.path}.{name}"))
            shapes.setdefault(site.index, {})[projection] = (layer.out_features, layer.in_features)
    return shapes


def _as_for_text(unet: nn.Module, site: AttentionSite) -> KeyValueProjection:
    """Keys and values with the weights that the UNet has for text, float32."""
    text_key = cast(nn.Linear, unet.get_submodule(f"{site.path}.to_k"))
    text_value = cast(nn.Linear, unet.get_submodule(f"{site.path}.to_v"))
    projection = KeyValueProjection(text_key.in_features, site.channels)
    if not text_key.weight.is_meta:
        with torch.no_grad():
            projection.to_k.weight.copy_(text_key.weight)
            projection.to_v.weight.copy_(text_value.weight)
    return projection
