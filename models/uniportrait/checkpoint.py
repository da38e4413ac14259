"""UniPortrait's files: what each one is, and the adapter they make together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor, nn

from ..checkpoint import KeyReport, Signature, flatten, identify, load_strictly, subset, summarise
from ..errors import UnknownCheckpointError
from ..face.iresnet import IResNet
from ..files import read_state_dict
from ..layers.key_value import KeyValueProjection
from .id_embedding import IDEmbedding
from .id_routing import IDRouter
from .image_prompt import ImagePromptProjection

Source: TypeAlias = "str | PathLike[str] | Mapping[str, Any]"
LoRA: TypeAlias = dict[int, dict[str, tuple[Tensor, Tensor]]]  # site index → q, k, v or out → (down, up)

PUBLISHED_HEAD = 64  # head width of the published ID embedding; the one size that no tensor shape tells
FACEID, ROUTER, BACKBONE, IMAGE_PROMPT = "faceid", "router", "backbone", "image prompt"

_LAYER = r"\d+\."
DETECT = (
    Signature(
        kind=FACEID,
        description="a UniPortrait faceid file",
        has=(r"faceid_proj\.latents$", rf"faceid_adapter\.{_LAYER}to_k_faceid\."),
        belongs='in "faceid" of Load UniPortrait',
    ),
    Signature(
        kind=ROUTER,
        description="a UniPortrait router file",
        has=(rf"faceid_adapter\.{_LAYER}to_q_router\.",),
        lacks=(r"faceid_proj\.",),
        belongs='in "router" of Load UniPortrait',
    ),
    Signature(
        kind=BACKBONE,
        description="a face backbone",
        has=(r"input_layer\.0\.weight$", r"body\.0\.res_layer\.1\.weight$"),
        belongs='in "backbone" of Load UniPortrait',
    ),
    Signature(
        kind=IMAGE_PROMPT,
        description="an IP-Adapter file",
        has=(r"image_proj\.proj\.weight$", rf"ip_adapter\.{_LAYER}to_k_ip\."),
        lacks=(rf"ip_adapter\.{_LAYER}to_q_lora\.", r"image_proj\.latents$"),
        belongs='in "image_prompt" of Load UniPortrait',
    ),
    Signature(
        kind="other IP-Adapter",
        description="an IP-Adapter of another kind (Plus or FaceID)",
        has=(r"image_proj\.", r"ip_adapter\."),
    ),
    Signature(kind="base model", description="a Stable Diffusion checkpoint", has=(r"model\.diffusion_model\.",)),
    Signature(kind="CLIP vision", description="a CLIP vision model", has=(r"(vision_model|visual)\.",)),
    Signature(kind="LoRA", description="a LoRA", has=(r"(lora_unet|lora_te|unet\.|diffusion_model\.).*",)),
)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ImagePrompt:
    """The optional image prompt branch.

    Attributes:
        projection: pooled CLIP embedding to context tokens.
        attention: keys and values by site index (a KeyValueProjection each).
    """

    projection: ImagePromptProjection
    attention: nn.ModuleDict


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class UniPortraitAdapter:
    """Everything that UniPortrait adds to a UNet.

    Attributes:
        id_embedding: face features to identity tokens, float32.
        face_attention: keys and values of identity tokens by cross-attention site index, as a string
            (a KeyValueProjection each).
        routers: an IDRouter by the same index; empty without a router file.
        image_prompt: the image prompt branch, or None.
        single_lora: for one person, by site index of self- and cross-attention; (rank, in) and (C, rank) each.
        multi_lora: for two and more people; None without a router file.
        context_dim: D, width of the context that the UNet must have.
        widths: C of every cross-attention site that the adapter knows, by index.
        num_tokens: T, tokens per identity.
    """

    id_embedding: IDEmbedding
    face_attention: nn.ModuleDict
    routers: nn.ModuleDict
    image_prompt: ImagePrompt | None
    single_lora: LoRA
    multi_lora: LoRA | None
    context_dim: int
    widths: dict[int, int]
    num_tokens: int


def detect(state_dict: Mapping[str, Any]) -> str | None:
    """The kind of a file by its keys, nested or flat: "faceid", "router", "backbone", "image prompt", another or None."""
    found = identify(flatten(state_dict), DETECT)
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
        image_prompt: path or state dict of a base IP-Adapter for SD1.5.
        dtype: of keys, values, routers and LoRA; None keeps the files'.
        dim_head: head width of the ID embedding; None is the published 64, or in a narrower module the widest heads that
            divide both.

    Raises:
        UnknownCheckpointError: if a file is something else, or its tensors do not fit each other.
    """
    faceid_weights, name = _read(faceid, FACEID)
    projection = subset(faceid_weights, "faceid_proj.")
    id_embedding = IDEmbedding.from_state_dict(projection, dim_head=dim_head or _head_width(projection))
    layers = subset(faceid_weights, "faceid_adapter.")
    width = id_embedding.norm_out.normalized_shape[0]
    face_attention = _keys_and_values(layers, "faceid", width, name, dtype)
    widths = {index: _key_shape(face_attention, index)[0] for index in map(int, face_attention)}
    routers, multi_lora = nn.ModuleDict(), None
    if router is not None:
        router_weights, router_name = _read(router, ROUTER)
        router_layers = subset(router_weights, "faceid_adapter.")
        routers = _routers(router_layers, widths, (id_embedding.num_tokens, width), router_name, dtype)
        multi_lora = _lora(router_layers, router_name, dtype)
    return UniPortraitAdapter(
        id_embedding=id_embedding,
        face_attention=face_attention,
        routers=routers,
        image_prompt=None if image_prompt is None else _image_prompt(image_prompt, widths, width, dtype),
        single_lora=_lora(layers, name, dtype),
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
    weights, _ = _read(backbone, BACKBONE)
    return IResNet.from_state_dict(weights)


def _read(source: Source, kind: str) -> tuple[dict[str, Tensor], str]:
    """The flat weights of a file of one kind, and what messages call it."""
    if isinstance(source, Mapping):
        weights, name = flatten(source), "The given weights"
    else:
        weights, name = flatten(read_state_dict(Path(source))), f'"{Path(source).name}"'
    found = identify(weights, DETECT)
    if found is not None and found.kind == kind:
        return weights, name
    wanted = next(signature for signature in DETECT if signature.kind == kind)
    looks = "no adapter known here"
    if found is not None:
        looks = f"{found.description}, which belongs {found.belongs}" if found.belongs else found.description
    raise UnknownCheckpointError(
        f"{name} is not {wanted.description}: it holds {summarise(weights)} and looks like {looks}. "
        f'Choose {wanted.description} in "{kind.replace(" ", "_")}" of Load UniPortrait.'
    )


def _head_width(projection: Mapping[str, Tensor]) -> int:
    query = projection.get("layers.0.0.to_q.weight")
    return PUBLISHED_HEAD if query is None else gcd(query.shape[0], PUBLISHED_HEAD)


def _keys_and_values(
    layers: Mapping[str, Tensor], what: str, width: int, name: str, dtype: torch.dtype | None
) -> nn.ModuleDict:
    """One KeyValueProjection per layer that has `to_k_<what>` or `to_v_<what>`."""
    names = {f"to_{part}_{what}.weight": f"to_{part}.weight" for part in ("k", "v")}
    modules = nn.ModuleDict()
    for index, tensors in _by_layer(layers):
        weights = {names[key]: tensor for key, tensor in tensors.items() if key in names}
        if not weights:
            continue
        channels = next(iter(weights.values())).shape[0]
        with torch.device("meta"):
            module = KeyValueProjection(width, channels)
        modules[str(index)] = load_strictly(module, weights, f"{name}, {what} layer {index},", dtype=dtype)
    return modules


def _routers(
    layers: Mapping[str, Tensor], widths: dict[int, int], sizes: tuple[int, int], name: str, dtype: torch.dtype | None
) -> nn.ModuleDict:
    """One IDRouter per layer that has identity keys and values; everything but `router.` keys is passed over."""
    found: dict[int, dict[str, Tensor]] = {}
    for index, tensors in _by_layer(layers):
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


def _lora(layers: Mapping[str, Tensor], name: str, dtype: torch.dtype | None) -> LoRA:
    """Pairs of LoRA matrices by site index; q, k, v and out as far as the file has them."""
    found: LoRA = {}
    report = KeyReport(name)
    for index, tensors in _by_layer(layers):
        for projection in ("q", "k", "v", "out"):
            keys = [f"to_{projection}_lora.{half}.weight" for half in ("down", "up")]
            pair = [tensors[key] for key in keys if key in tensors]
            if len(pair) == 1:
                report.missing.extend(f"faceid_adapter.{index}.{key}" for key in keys if key not in tensors)
            if len(pair) < 2:
                continue
            down, up = (tensor.to(dtype or tensor.dtype) for tensor in pair)
            report.expect_shape(f"faceid_adapter.{index}.{keys[1]}", up, (up.shape[0], down.shape[0]))
            found.setdefault(index, {})[projection] = (down, up)
    report.raise_if_faulty()
    return found


def _by_layer(layers: Mapping[str, Tensor]) -> list[tuple[int, dict[str, Tensor]]]:
    """Tensors grouped by the number that their keys begin with, in ascending order; other keys are passed over."""
    grouped: dict[int, dict[str, Tensor]] = {}
    for key, tensor in layers.items():
        index, _, rest = key.partition(".")
        if index.isdecimal():
            grouped.setdefault(int(index), {})[rest] = tensor
    return sorted(grouped.items())


def _image_prompt(source: Source, widths: dict[int, int], width: int, dtype: torch.dtype | None) -> ImagePrompt:
    weights, name = _read(source, IMAGE_PROMPT)
    projection = ImagePromptProjection.from_state_dict(subset(weights, "image_proj."))
    attention = _keys_and_values(subset(weights, "ip_adapter."), "ip", width, name, dtype)
    report = KeyReport(f"{name} beside this faceid file")
    for index, channels in widths.items():
        if str(index) not in attention:
            report.missing.append(f"ip_adapter.{index}.to_k_ip.weight")
        elif _key_shape(attention, index) != (channels, width):
            report.misshaped.append(f"ip_adapter.{index} fits another layer than {channels}×{width}")
    report.raise_if_faulty()
    return ImagePrompt(projection=projection, attention=attention)


def _key_shape(attention: nn.ModuleDict, index: int) -> tuple[int, int]:
    """(C, D) of a layer's key projection."""
    layer = cast(KeyValueProjection, attention[str(index)])
    return layer.to_k.out_features, layer.to_k.in_features
