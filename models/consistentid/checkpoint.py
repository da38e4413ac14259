"""ConsistentID's file: recognised by its keys, read strictly, and what it makes together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import torch
from torch import Tensor, nn

from ..adapters.weights import LoRA, check_layers, key_shape, keys_and_values, lora_pairs
from ..weights.reading import Source, read_metadata, read_weights
from ..weights.state_dict import KeyReport, Signature, Width, subset
from .facial_encoder import FacialEncoder
from .id_projection import IDProjection

CONSISTENTID = "ConsistentID"

_LAYER = r"\d+\."
FOLDERS = ("consistentid",)
FILES = (
    Signature(
        kind=CONSISTENTID,
        description="a ConsistentID file",
        has=(r"FacialEncoder\.", rf"adapter_modules\.{_LAYER}"),
        belongs='in "consistentid" of Load ConsistentID',
        context=Width(rf"adapter_modules\.{_LAYER}to_k_ip\.", 1),
        picture=("tokens", Width(r"image_proj(_model)?\.perceiver_resampler\.proj_in\.weight$", 1)),
    ),
)
PROJECTIONS = ("image_proj.", "image_proj_model.")  # SD1.5's name, and that of SDXL and of training dumps
ENCODER, LAYERS = "FacialEncoder.", "adapter_modules."
BASE_MODEL = "unet."  # in training dumps; never read
PUBLISHED_HEAD = 64
TRAINED_AS = "likeness.consistentid"  # metadata key that tells which mode a file was trained for


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ConsistentIDAdapter:
    """Everything that ConsistentID adds to a UNet and to its prompt.

    Attributes:
        id_projection: face vector and photo to ID tokens, float32.
        facial_encoder: region pictures into text rows, float32.
        attention: keys and values of ID tokens by cross-attention site index, as a string (a KeyValueProjection each).
        lora: by site index of self- and cross-attention, q, k, v and out of every layer; (rank, in) and (C, rank) each.
        context_dim: D, width of the context that the UNet must have; 768 is SD1.5, 2048 SDXL.
        widths: C of every cross-attention site, by index.
        metadata: what the file's writer noted.
    """

    id_projection: IDProjection
    facial_encoder: FacialEncoder
    attention: nn.ModuleDict
    lora: LoRA
    context_dim: int
    widths: dict[int, int]
    metadata: dict[str, str]


def load(source: Source, *, dtype: torch.dtype | None = None, dim_head: int | None = None) -> ConsistentIDAdapter:
    """Read an adapter.

    Args:
        source: path or state dict, nested or with dotted keys; weights of a base model in it are passed over.
        dtype: of keys, values and LoRA; None keeps the file's.
        dim_head: head width of both encoders, which no tensor tells; by default 64, as in the published files, or the largest
            part of it that fits.

    Raises:
        UnknownCheckpointError: if it is something else, or tensors are missing, unexpected or of another shape.
        LikenessError: if the file cannot be read, see `reading.read_state_dict`.
    """
    weights, name = read_weights(source, CONSISTENTID)
    projection = next(
        (prefix for prefix in PROJECTIONS if any(key.startswith(prefix) for key in weights)), PROJECTIONS[0]
    )
    known = (projection, ENCODER, LAYERS, BASE_MODEL)
    KeyReport(name, unexpected=[key for key in weights if not key.startswith(known)]).raise_if_faulty()
    head = dim_head or _head_width(weights, f"{projection}perceiver_resampler.", f"{ENCODER}visual_projection.")
    id_projection = IDProjection.from_state_dict(subset(weights, projection), dim_head=head)
    facial_encoder = FacialEncoder.from_state_dict(subset(weights, ENCODER), dim_head=head)
    width, layers = id_projection.width, subset(weights, LAYERS)
    _check_widths(id_projection, facial_encoder, name)
    check_layers(layers, width, LAYERS.rstrip("."), name)
    attention = keys_and_values(layers, "ip", width, name, dtype)
    return ConsistentIDAdapter(
        id_projection=id_projection,
        facial_encoder=facial_encoder,
        attention=attention,
        lora=lora_pairs(layers, LAYERS.rstrip("."), name, dtype),
        context_dim=width,
        widths={index: key_shape(attention, index)[0] for index in map(int, attention)},
        metadata={} if isinstance(source, Mapping) else read_metadata(Path(source)),
    )


def trained_corrected(metadata: Mapping[str, str]) -> bool:
    """Whether a file's metadata say that it was trained with the corrected mode."""
    return metadata.get(TRAINED_AS) == "corrected"


def _head_width(weights: Mapping[str, Tensor], *resamplers: str) -> int:
    queries = (weights.get(f"{prefix}layers.0.0.to_q.weight") for prefix in resamplers)
    return gcd(PUBLISHED_HEAD, *(query.shape[0] for query in queries if query is not None))


def _check_widths(id_projection: IDProjection, facial_encoder: FacialEncoder, name: str) -> None:
    """Both encoders read one image encoder and write for one UNet."""
    report = KeyReport(name)
    for part, found, wanted in (
        ("fuse_module", facial_encoder.width, id_projection.width),
        ("visual_projection.proj_in", facial_encoder.image_width, id_projection.image_width),
    ):
        if found != wanted:
            report.misshaped.append(f"{ENCODER}{part} is {found} wide and should be {wanted}")
    report.raise_if_faulty()
