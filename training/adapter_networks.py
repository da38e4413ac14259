"""What adapters of several papers add to attention layers: LoRA, and keys and values of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from ..diffusers_host.attention import find_sites
from ..diffusers_host.lora import PROJECTIONS
from ..models.adapters.decoupled_cross_attention import KeyValueProjection
from ..models.adapters.weights import LoRA
from ..models.errors import InvalidSettingError
from ..models.port.attention import AttentionSite

Weights = dict[str, dict[str, Tensor]]  # as published: part of the file → key → tensor


class LoRALayers(nn.Module):
    """Low-rank branches of attention layers, keys as published.

    Args:
        shapes: site index → projection → (outputs, inputs).
        rank: of all branches; read from outside as `rank`.
    """

    def __init__(self, shapes: Mapping[int, Mapping[str, tuple[int, int]]], rank: int):
        super().__init__()
        self.rank = rank
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


def lora_of(lora: LoRA, shapes: Mapping[int, Mapping[str, tuple[int, int]]]) -> LoRALayers:
    """The LoRA of a file, float32, to go on training from it.

    Args:
        lora: of the file.
        shapes: of the layers that are trained, see `LoRALayers`.

    Raises:
        InvalidSettingError: if it is of other layers, or of several ranks.
    """
    ranks = {down.shape[0] for parts in lora.values() for down, _ in parts.values()}
    held = {
        index: {part: (len(up), down.shape[1]) for part, (down, up) in each.items()} for index, each in lora.items()
    }
    if held != shapes or len(ranks) != 1:
        raise InvalidSettingError(
            "The LoRA of the file to begin from has several ranks, or is not of the attention matrices that get one here; name "
            "a file of the same method and architecture."
        )
    layers = LoRALayers(shapes, ranks.pop())
    layers.fill(lora)
    return layers


def require_rank(asked: int | None, lora: LoRALayers, name: str) -> None:
    """Refuse another rank than that of the file to start from.

    Args:
        asked: what the configuration says, if anything.
        lora: of the file.
        name: of the file.

    Raises:
        InvalidSettingError: naming both.
    """
    if asked not in (None, lora.rank):
        raise InvalidSettingError(
            f'[method] rank is {asked}, but the LoRA of "{name}" has {lora.rank}; remove rank or name another file.'
        )


def new_attention(unet: nn.Module) -> nn.ModuleDict:
    """Keys and values of every cross-attention layer, beginning as the UNet's own for text (as IP-Adapter's do)."""
    cross = (site for site in find_sites(unet) if site.kind == "cross")
    return nn.ModuleDict({str(site.index): _as_for_text(unet, site) for site in cross})


def lora_weights(lora: LoRALayers) -> dict[str, Tensor]:
    """All matrices, keys beginning with the layer's number."""
    return {key: tensor.detach() for key, tensor in lora.layers.state_dict().items()}


def token_weights(attention: nn.ModuleDict, what: str) -> dict[str, Tensor]:
    """Keys and values of every layer, keys beginning with its number; `what` is how the file calls these projections."""
    layers = ((index, cast(KeyValueProjection, module)) for index, module in attention.items())
    return {
        f"{index}.to_{part}_{what}.weight": linear.weight.detach()
        for index, layer in layers
        for part, linear in (("k", layer.to_k), ("v", layer.to_v))
    }


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
