"""UniPortrait's files: what each one is, and the adapter they make together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd
from typing import Any

import torch
from torch import Tensor, nn

from ..adapters.weights import LoRA, by_layer, key_shape, keys_and_values, lora_pairs
from ..errors import UnknownCheckpointError
from ..face.iresnet import IResNet
from ..ip_adapter.checkpoint import IPAdapter
from ..ip_adapter.checkpoint import load as load_ip_adapter
from ..weights.reading import Source, read_weights
from ..weights.signatures import known_files
from ..weights.state_dict import KeyReport, Signature, Width, flatten, identify, subset
from .id_embedding import IDEmbedding
from .id_routing import IDRouter

FACEID, ROUTER, BACKBONE = "faceid", "router", "backbone"

_LAYER = r"\d+\."
FOLDERS = ("uniportrait",)
FILES = (
    Signature(
        kind=FACEID,
        description="a UniPortrait faceid file",
        has=(r"faceid_proj\.latents$", rf"faceid_adapter\.{_LAYER}to_k_faceid\."),
        belongs='in "faceid" of Load UniPortrait',
        context=Width(rf"faceid_adapter\.{_LAYER}to_k_faceid\.", 1),
    ),
    Signature(
        kind=ROUTER,
        description="a UniPortrait router file",
        has=(rf"faceid_adapter\.{_LAYER}to_q_router\.",),
        lacks=(r"faceid_proj\.",),
        belongs='in "router" of Load UniPortrait',
        context=Width(rf"faceid_adapter\.{_LAYER}to_k_router\.0\.weight$", 1),
    ),
    Signature(
        kind=BACKBONE,
        description="a face backbone",
        has=(r"input_layer\.0\.weight$", r"body\.0\.res_layer\.1\.weight$"),
        belongs='in "backbone" of Load UniPortrait',
    ),
)
PUBLISHED_HEAD = 64  # head width of the published ID embedding; the one size that no tensor shape tells


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class UniPortraitAdapter:
    """Everything that UniPortrait adds to a UNet.

    Attributes:
        id_embedding: face features to identity tokens, float32.
        face_attention: keys and values of identity tokens by cross-attention site index, as a string
            (a KeyValueProjection each).
        routers: an IDRouter by the same index; empty without a router file.
        image_prompt: an IP-Adapter of pictures, or None.
        single_lora: for one person, by site index of self- and cross-attention; (rank, in) and (C, rank) each.
        multi_lora: for two and more people; None without a router file.
        context_dim: D, width of the context that the UNet must have.
        widths: C of every cross-attention site that the adapter knows, by index.
        num_tokens: T, tokens per identity.
    """

    id_embedding: IDEmbedding
    face_attention: nn.ModuleDict
    routers: nn.ModuleDict
    image_prompt: IPAdapter | None
    single_lora: LoRA
    multi_lora: LoRA | None
    context_dim: int
    widths: dict[int, int]
    num_tokens: int


def detect(state_dict: Mapping[str, Any]) -> str | None:
    """The kind of a file by its keys, nested or flat: "faceid", "router", "backbone", "image prompt", another or None."""
    found = identify(flatten(state_dict), known_files())
    return found.kind if found else None


def load(
    faceid: Source,
    router: Source | None = None,
    *,
    image_prompt: Source | None = None,
    dtype: torch.dtype | None = None,
    dim_head: int | None = None,
) -> UniPortraitAdapter:
    """Read an adapter from its files.

    Args:
        faceid: path or state dict of the faceid file (ID embedding, LoRA for one person, keys and values).
        router: path or state dict of the router file (LoRA for several people, routers).
        image_prompt: path or state dict of an IP-Adapter for SD1.5 that follows pictures (plain, Plus, Plus Face, Full Face).
        dtype: of keys, values, routers and LoRA; None keeps the files'.
        dim_head: head width of the ID embedding; None is the published 64, or in a narrower module the widest heads that
            divide both.

    Raises:
        UnknownCheckpointError: if a file is something else, or its tensors do not fit each other.
    """
    faceid_weights, name = read_weights(faceid, FACEID)
    projection = subset(faceid_weights, "faceid_proj.")
    id_embedding = IDEmbedding.from_state_dict(projection, dim_head=dim_head or _head_width(projection))
    layers = subset(faceid_weights, "faceid_adapter.")
    width = id_embedding.norm_out.normalized_shape[0]
    face_attention = keys_and_values(layers, "faceid", width, name, dtype)
    widths = {index: key_shape(face_attention, index)[0] for index in map(int, face_attention)}
    routers, multi_lora = nn.ModuleDict(), None
    if router is not None:
        router_weights, router_name = read_weights(router, ROUTER)
        router_layers = subset(router_weights, "faceid_adapter.")
        routers = _routers(router_layers, widths, (id_embedding.num_tokens, width), router_name, dtype)
        multi_lora = lora_pairs(router_layers, "faceid_adapter", router_name, dtype)
    return UniPortraitAdapter(
        id_embedding=id_embedding,
        face_attention=face_attention,
        routers=routers,
        image_prompt=None if image_prompt is None else _image_prompt(image_prompt, widths, width, dtype),
        single_lora=lora_pairs(layers, "faceid_adapter", name, dtype),
        multi_lora=multi_lora,
        context_dim=width,
        widths=widths,
        num_tokens=id_embedding.num_tokens,
    )


def load_backbone(backbone: Source) -> IResNet:
    """Read the face backbone from its file or state dict, in float32.

    Raises:
        UnknownCheckpointError: if it is something else.
    """
    weights, _ = read_weights(backbone, BACKBONE)
    return IResNet.from_state_dict(weights)


def _head_width(projection: Mapping[str, Tensor]) -> int:
    query = projection.get("layers.0.0.to_q.weight")
    return PUBLISHED_HEAD if query is None else gcd(query.shape[0], PUBLISHED_HEAD)


def _routers(
    layers: Mapping[str, Tensor], widths: dict[int, int], sizes: tuple[int, int], name: str, dtype: torch.dtype | None
) -> nn.ModuleDict:
    """One IDRouter per layer that has identity keys and values; everything but `router.` keys is passed over."""
    found: dict[int, dict[str, Tensor]] = {}
    for index, tensors in by_layer(layers):
        weights = {key: tensor for key, tensor in tensors.items() if "router." in key and "lora." not in key}
        if weights:
            found[index] = weights
    KeyReport(
        name,
        missing=[f"faceid_adapter.{index}.to_q_router.*" for index in widths if index not in found],
        unexpected=[f"faceid_adapter.{index}.to_q_router.*" for index in found if index not in widths],
    ).raise_if_faulty()
    routers = nn.ModuleDict()
    report = KeyReport(f"{name} beside this faceid file")
    tokens, width = sizes
    for index, weights in sorted(found.items()):
        routers[str(index)] = IDRouter.from_state_dict(weights, dtype=dtype)
        for key, inputs in (("to_q_router.0", widths[index]), ("to_k_router.0", width), ("aggr_router", tokens)):
            weight = weights[f"{key}.weight"]
            report.expect_shape(f"faceid_adapter.{index}.{key}.weight", weight, (weight.shape[0], inputs))
    report.raise_if_faulty()
    return routers


def _image_prompt(source: Source, widths: dict[int, int], width: int, dtype: torch.dtype | None) -> IPAdapter:
    """An IP-Adapter of pictures that reads the layers which the faceid file reads."""
    adapter = load_ip_adapter(source, dtype=dtype, dim_head=None)
    if adapter.needs_face:
        raise UnknownCheckpointError(
            f"An image prompt is a picture, and this IP-Adapter file ({adapter.recognised.version}) reads faces: choose a plain or "
            "Plus file, or use Apply IP-Adapter with people."
        )
    if (adapter.widths, adapter.context_dim) != (widths, width):
        raise UnknownCheckpointError(
            f"This IP-Adapter file has {len(adapter.widths)} layers that read tokens {adapter.context_dim} wide, the faceid file "
            f'{len(widths)} and {width}: choose one for SD1.5 in "image_prompt".'
        )
    return adapter
