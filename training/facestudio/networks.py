"""The networks that FaceStudio trains: new ones, those of a file, and back to the file's keys."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn

from ...diffusers_host.attention import find_sites
from ...models.errors import IncompatibleBaseModelError
from ...models.facestudio.checkpoint import ATTENTION, LAYER, LORA, POOLED, UNET, FaceStudioAdapter, PooledLayer
from ...models.facestudio.hybrid import FACE, TOKENS, HybridLayer
from ...models.weights.state_dict import KeyReport
from ..adapter_networks import LoRALayers, Weights, lora_of, lora_shapes, lora_weights, new_attention
from .start import Start

Form = Literal["light", "full"]
RANK = 64  # of the LoRA; our choice


@dataclass(eq=False, slots=True)
class FaceStudioNetworks:
    """FaceStudio's parts beside the UNet; the method registers them.

    Attributes:
        layer: style and face to context tokens.
        pooled: SDXL's pooled vector; None for SD1.5.
        attention: a KeyValueProjection per cross-attention layer, by site index; empty where the whole UNet is trained.
        lora: of all other attention matrices; None where the whole UNet is trained.
    """

    layer: HybridLayer
    pooled: PooledLayer | None
    attention: nn.ModuleDict
    lora: LoRALayers | None

    @property
    def form(self) -> Form:
        """Whether the UNet's change is keys, values and LoRA, or the whole UNet."""
        return "full" if self.lora is None else "light"


def new_networks(
    unet: nn.Module,
    start: Start,
    *,
    seed: int,
    form: Form = "light",
    rank: int = RANK,
    tokens: int = TOKENS,
    face: int = FACE,
    empty: Tensor | None = None,
) -> FaceStudioNetworks:
    """Untrained networks.

    Args:
        unet: of the base model.
        start: how the shared layer begins; style and face make one half of the tokens' variance each, though a face vector has
            length 1 and a style embedding about 10. The bias is 0.
        seed: of the random weights.
        form: "light" trains keys and values, which begin as the UNet's own, and a LoRA, which begins at zero effect; "full" the
            whole UNet.
        rank: of the LoRA.
        tokens: n; 1 is the paper read literally.
        face: V, width of face vectors.
        empty: the pooled vector of the empty prompt, (P,), for SDXL; None for SD1.5.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layer = _new_layer(start, tokens, _context_width(unet), face)
        pooled = None if empty is None else PooledLayer(layer.width, len(empty))
        if pooled is not None and empty is not None:
            pooled.empty.copy_(empty)
        if form == "full":
            return FaceStudioNetworks(layer, pooled, nn.ModuleDict(), None)
        return FaceStudioNetworks(layer, pooled, new_attention(unet), LoRALayers(_lora_shapes(unet), rank))


def networks_of(adapter: FaceStudioAdapter, unet: nn.Module) -> FaceStudioNetworks:
    """The networks of a file, float32, to go on training from them; a whole UNet in the file is written into `unet`.

    Raises:
        IncompatibleBaseModelError: if the file was made for another base model.
        InvalidSettingError: if its LoRA is not of the layers that are trained here.
        UnknownCheckpointError: if its whole UNet is another one.
    """
    if adapter.context_dim != _context_width(unet):
        raise IncompatibleBaseModelError(
            f"The FaceStudio file to begin from makes a context {adapter.context_dim} wide and this base model reads one of "
            f"{_context_width(unet)}; choose a file and a base model of one architecture."
        )
    if adapter.unet:
        _write_unet(unet, adapter.unet)
        return FaceStudioNetworks(adapter.layer, adapter.pooled, nn.ModuleDict(), None)
    if {site.index: site.channels for site in find_sites(unet) if site.kind == "cross"} != adapter.widths:
        raise IncompatibleBaseModelError(
            f"The FaceStudio file to begin from has {len(adapter.widths)} layers, and they are not those of this base model; "
            "choose a file and a base model of one architecture."
        )
    return FaceStudioNetworks(
        adapter.layer, adapter.pooled, adapter.attention.float(), lora_of(adapter.lora, _lora_shapes(unet))
    )


def facestudio_weights(networks: FaceStudioNetworks, unet: nn.Module) -> Weights:
    """What a FaceStudio file holds; see `models.facestudio.checkpoint`."""
    parts: Weights = {LAYER: _tensors(networks.layer)}
    if networks.pooled is not None:
        parts[POOLED] = _tensors(networks.pooled)
    if networks.lora is None:
        return parts | {UNET: _tensors(unet)}
    return parts | {ATTENTION: _tensors(networks.attention), LORA: lora_weights(networks.lora)}


def _new_layer(start: Start, tokens: int, width: int, face: int) -> HybridLayer:
    layer = HybridLayer(start.style, tokens, width, face)
    with torch.no_grad():
        layer.weight.normal_(std=start.spread * math.sqrt(0.5))
        layer.weight[:, : start.style] /= start.length
        layer.bias.zero_()
    return layer


def _context_width(unet: nn.Module) -> int:
    """D, width of what the UNet's cross-attention reads."""
    site = next(site for site in find_sites(unet) if site.kind == "cross")
    return cast(nn.Linear, unet.get_submodule(f"{site.path}.to_k")).in_features


def _lora_shapes(unet: nn.Module) -> dict[int, dict[str, tuple[int, int]]]:
    """Of all attention matrices but keys and values of cross-attention, which are trained in full."""
    sites = find_sites(unet)
    whole = {site.index for site in sites if site.kind == "cross"}
    return {
        index: {part: shape for part, shape in shapes.items() if index not in whole or part not in ("k", "v")}
        for index, shapes in lora_shapes(unet, sites).items()
    }


def _write_unet(unet: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Take over all weights of another UNet of the same layout."""
    own = unet.state_dict()
    report = KeyReport(
        "The FaceStudio file to begin from",
        missing=[f"{UNET}.{key}" for key in own if key not in weights],
        unexpected=[f"{UNET}.{key}" for key in weights if key not in own],
    )
    for key in own.keys() & weights.keys():
        report.expect_shape(f"{UNET}.{key}", weights[key], tuple(own[key].shape))
    report.raise_if_faulty()
    with torch.no_grad():
        for key, tensor in own.items():
            tensor.copy_(weights[key])


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    return {key: tensor.detach() for key, tensor in module.state_dict().items()}
