"""FaceStudio's file: the shared layer, and what training changed in the UNet.

One safetensors. `layer.weight` (n·D, E + V), `layer.bias` (n, D). SDXL: `pooled.weight` (P, D), `pooled.bias` (P,) and
`pooled.empty` (P,), the pooled vector of the empty prompt. Either, trained cheaply, `attention.<site>.to_k.weight` and
`.to_v.weight` of every cross-attention and `lora.<site>.to_<q|k|v|out>_lora.<down|up>.weight`; or, trained whole, `unet.` with
the names of diffusers. Metadata: see `description`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from ..adapters.decoupled_cross_attention import KeyValueProjection
from ..adapters.weights import LoRA, by_layer, key_shape, lora_pairs
from ..errors import UnknownCheckpointError
from ..weights.reading import Source, read_metadata, read_weights
from ..weights.state_dict import KeyReport, Signature, Width, load_strictly, subset
from ..weights.tensors import converted
from .description import Description
from .hybrid import HybridLayer
from .style import Space

FACESTUDIO = "FaceStudio"
FOLDERS = ("facestudio",)
FILES = (
    Signature(
        kind=FACESTUDIO,
        description="a FaceStudio file",
        has=(r"layer\.weight$", r"layer\.bias$", r"(attention\.\d+\.to_k\.|unet\.)"),
        belongs='in "facestudio" of Load FaceStudio',
        context=Width(r"layer\.bias$", 1),
    ),
)
LAYER, POOLED, ATTENTION, LORA, UNET, EMPTY = "layer", "pooled", "attention", "lora", "unet", "empty"


class PooledLayer(nn.Module):
    """SDXL's pooled vector from context tokens: that of the empty prompt, plus what a linear layer makes of the tokens' mean.

    Args:
        width: D of the tokens.
        pooled: P of the vector.
    """

    empty: Tensor

    def __init__(self, width: int, pooled: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(pooled, width))
        self.bias = nn.Parameter(torch.zeros(pooled))
        self.register_buffer("empty", torch.zeros(pooled))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, P) of tokens (B, n, D)."""
        return self.empty + linear(tokens.mean(1), self.weight, self.bias)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FaceStudioAdapter:
    """Everything that FaceStudio changes.

    Attributes:
        layer: style and face to context tokens, float32.
        pooled: SDXL's pooled vector, float32; None for SD1.5.
        attention: keys and values that replace the UNet's for the text, by cross-attention site index, as a string; empty where
            the whole UNet is there.
        lora: by site index, see `LoRA`; empty likewise.
        unet: the whole UNet under diffusers' names; empty where only parts of it were trained.
        description: what it was trained with.
    """

    layer: HybridLayer
    pooled: PooledLayer | None
    attention: nn.ModuleDict
    lora: LoRA
    unet: dict[str, Tensor]
    description: Description

    @property
    def context_dim(self) -> int:
        """D, width of the context that the UNet must have; 768 is SD1.5, 2048 SDXL."""
        return self.layer.width

    @property
    def space(self) -> Space:
        """Of the style embeddings."""
        return self.description.space_of(self.layer.style_width)

    @property
    def widths(self) -> dict[int, int]:
        """C of every cross-attention site that it has keys for, by index."""
        return {int(index): key_shape(self.attention, int(index))[0] for index in self.attention}


def load(
    source: Source, *, description: Description | None = None, dtype: torch.dtype | None = None
) -> FaceStudioAdapter:
    """Read a file.

    Args:
        source: path, or state dict.
        description: what it was trained with; None reads the file's metadata.
        dtype: of keys, values, LoRA and UNet; None keeps the file's.

    Raises:
        UnknownCheckpointError: if it is something else, does not say what it was trained with, or tensors are missing, unexpected
            or of another shape.
        LikenessError: if it cannot be read, see `reading.read_state_dict`.
    """
    weights, name = read_weights(source, FACESTUDIO)
    if description is None:
        metadata = {} if isinstance(source, Mapping) else read_metadata(Path(source))
        description = Description.from_metadata(metadata, name)
    parts = {part: subset(weights, f"{part}.") for part in (LAYER, POOLED, ATTENTION, LORA, UNET)}
    unknown = [key for key in weights if key.partition(".")[0] not in parts]
    KeyReport(name, unexpected=unknown).raise_if_faulty()
    if bool(parts[UNET]) == bool(parts[ATTENTION]):
        raise UnknownCheckpointError(
            f"{name} should hold either keys and values or a whole UNet, and holds "
            f"{'both' if parts[UNET] else 'neither'}; download it again or export it again."
        )
    layer = HybridLayer.from_state_dict(parts[LAYER], face=description.face_width)
    description.require_width(layer.style_width, name)
    return FaceStudioAdapter(
        layer=layer,
        pooled=_pooled(parts[POOLED], layer.width, name),
        attention=_attention(parts[ATTENTION], layer.width, name, dtype),
        lora=_lora(parts[LORA], name, dtype),
        unet={key: converted(f"{UNET}.{key}", tensor, dtype, name) for key, tensor in parts[UNET].items()},
        description=description,
    )


def _pooled(weights: Mapping[str, Tensor], width: int, name: str) -> PooledLayer | None:
    if not weights:
        return None
    size = weights["bias"].numel() if "bias" in weights else 0
    with torch.device("meta"):
        module = PooledLayer(width, size)
    return load_strictly(module, weights, f"{name}, pooled layer,")


def _attention(weights: Mapping[str, Tensor], width: int, name: str, dtype: torch.dtype | None) -> nn.ModuleDict:
    report = KeyReport(
        name, unexpected=[f"{ATTENTION}.{key}" for key in weights if not key.partition(".")[0].isdecimal()]
    )
    report.raise_if_faulty()
    modules = nn.ModuleDict()
    for index, tensors in by_layer(weights):
        channels = next((len(tensor) for tensor in tensors.values() if tensor.ndim), 0)
        with torch.device("meta"):
            module = KeyValueProjection(width, channels)
        modules[str(index)] = load_strictly(module, tensors, f"{name}, attention layer {index},", dtype=dtype)
    return modules


def _lora(weights: Mapping[str, Tensor], name: str, dtype: torch.dtype | None) -> LoRA:
    pairs = lora_pairs(weights, LORA, name, dtype)
    known = {
        f"{index}.to_{part}_lora.{half}.weight"
        for index, projections in pairs.items()
        for part in projections
        for half in ("down", "up")
    }
    KeyReport(name, unexpected=[f"{LORA}.{key}" for key in weights if key not in known]).raise_if_faulty()
    return pairs


def weights_of(adapter: FaceStudioAdapter) -> dict[str, dict[str, Tensor]]:
    """What the adapter's file holds: part of the file → key → tensor; the file's keys are "part.key"."""
    parts = {
        LAYER: dict(adapter.layer.state_dict()),
        POOLED: {} if adapter.pooled is None else dict(adapter.pooled.state_dict()),
        ATTENTION: dict(adapter.attention.state_dict()),
        LORA: {
            f"{index}.to_{part}_lora.{half}.weight": tensor
            for index, projections in adapter.lora.items()
            for part, pair in projections.items()
            for half, tensor in zip(("down", "up"), pair, strict=True)
        },
        UNET: adapter.unet,
    }
    return {part: {key: tensor.detach() for key, tensor in held.items()} for part, held in parts.items() if held}
