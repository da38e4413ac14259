"""What published adapters add to attention layers: keys and values and LoRA, by the number of the layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias, cast

import torch
from torch import Tensor, nn

from ..weights.numbering import require_reached
from ..weights.state_dict import KeyReport, load_strictly
from ..weights.tensors import converted
from .decoupled_cross_attention import KeyValueProjection

SITES_OF_A_TENSOR = 2  # where only every second layer has a tensor, and that alone
LoRA: TypeAlias = dict[int, dict[str, tuple[Tensor, Tensor]]]  # site index → q, k, v or out → (down, up)


def keys_and_values(
    layers: Mapping[str, Tensor], what: str, width: int, name: str, dtype: torch.dtype | None
) -> nn.ModuleDict:
    """One KeyValueProjection per layer that has `to_k_<what>` or `to_v_<what>`, by site index.

    Args:
        layers: keys beginning with the layer's number.
        what: how the file calls these projections.
        width: D, width of the tokens.
        name: what messages call the file.
        dtype: of the weights; None keeps the file's.

    Raises:
        UnknownCheckpointError: if one of the two is missing or of another shape.
    """
    names = {f"to_{part}_{what}.weight": f"to_{part}.weight" for part in ("k", "v")}
    modules = nn.ModuleDict()
    for index, tensors in by_layer(layers):
        weights = {names[key]: tensor for key, tensor in tensors.items() if key in names}
        if not weights:
            continue
        channels = next((len(tensor) for tensor in weights.values() if tensor.ndim), 0)
        with torch.device("meta"):
            module = KeyValueProjection(width, channels)
        modules[str(index)] = load_strictly(module, weights, f"{name}, {what} layer {index},", dtype=dtype)
    return modules


def lora_pairs(layers: Mapping[str, Tensor], group: str, name: str, dtype: torch.dtype | None) -> LoRA:
    """Pairs of LoRA matrices by site index; q, k, v and out as far as the file has them.

    Args:
        layers: keys beginning with the layer's number.
        group: what stands before that number in the file, for messages.
        name: what messages call the file.
        dtype: of the matrices; None keeps the file's.

    Raises:
        UnknownCheckpointError: if half of a pair is missing, or its halves do not fit each other.
    """
    found: LoRA = {}
    report = KeyReport(name)
    for index, tensors in by_layer(layers):
        for projection in ("q", "k", "v", "out"):
            keys = [f"to_{projection}_lora.{half}.weight" for half in ("down", "up")]
            pair = [tensors[key] for key in keys if key in tensors]
            if len(pair) == 1:
                report.missing.extend(f"{group}.{index}.{key}" for key in keys if key not in tensors)
            if len(pair) < 2:
                continue
            down, up = (
                converted(f"{group}.{index}.{key}", tensor, dtype, name) for key, tensor in zip(keys, pair, strict=True)
            )
            if not down.ndim or not up.ndim:
                report.misshaped.append(f"{group}.{index}.{keys[0]} and its other half should have 2 axes")
                continue
            report.expect_shape(f"{group}.{index}.{keys[1]}", up, (up.shape[0], down.shape[0]))
            found.setdefault(index, {})[projection] = (down, up)
    report.raise_if_faulty()
    return found


def check_layers(
    layers: Mapping[str, Tensor],
    width: int,
    group: str,
    name: str,
    *,
    tokens: bool = True,
    lora: bool = True,
    count: int | None = None,
) -> None:
    """Check that all layers are there, self and cross in turn, with tensors of shapes that fit each other and the tokens.

    Args:
        layers: keys beginning with the layer's number.
        width: D, of text and tokens.
        group: what stands before that number in the file, for messages.
        name: what messages call the file.
        tokens: whether cross-attention has `to_k_ip` and `to_v_ip`.
        lora: whether every layer has a LoRA for q, k, v and out.
        count: of layers, self and cross; None is as many as the highest number tells.

    Raises:
        UnknownCheckpointError: naming everything that is missing, unexpected or of another shape.
    """
    report = KeyReport(name)
    grouped = dict(by_layer(layers))
    wanted: dict[str, tuple[int, int] | None] = {}
    # a self-attention layer is followed by its cross-attention
    for index in range(count or 2 * (max(grouped, default=1) // 2 + 1)):
        tensors = grouped.get(index, {})
        if lora:
            wanted.update(_lora_shapes(index, tensors, width))
        if tokens and index % 2:
            wanted.update(_token_shapes(index, tensors, width))
    for key, shape in wanted.items():
        if key not in layers:
            report.missing.append(f"{group}.{key}")
        elif shape is not None:
            report.expect_shape(f"{group}.{key}", layers[key], shape)
    report.unexpected.extend(f"{group}.{key}" for key in layers if key not in wanted)
    report.raise_if_faulty()


def by_layer(layers: Mapping[str, Tensor]) -> list[tuple[int, dict[str, Tensor]]]:
    """Tensors grouped by the number that their keys begin with, in ascending order; other keys are passed over.

    Raises:
        UnknownCheckpointError: if a number is so high that these tensors cannot reach it.
    """
    grouped: dict[int, dict[str, Tensor]] = {}
    numbered = [key for key in layers if key.partition(".")[0].isdecimal()]
    most = SITES_OF_A_TENSOR * len(numbered) + 1
    require_reached(numbered, [key.partition(".")[0] for key in numbered], most, "The file's attention layers")
    for key in numbered:
        index, _, rest = key.partition(".")
        grouped.setdefault(int(index), {})[rest] = layers[key]
    return sorted(grouped.items())


def key_shape(attention: nn.ModuleDict, index: int) -> tuple[int, int]:
    """(C, D) of a layer's key projection."""
    layer = cast(KeyValueProjection, attention[str(index)])
    return layer.to_k.out_features, layer.to_k.in_features


def _lora_shapes(index: int, tensors: Mapping[str, Tensor], width: int) -> Iterator[tuple[str, tuple[int, int] | None]]:
    """Keys of a layer's LoRA and their shapes; None where neither the layer's channels nor its ranks are known."""
    channels = _channels(tensors)
    read = width if index % 2 else channels
    for part, inputs in (("q", channels), ("k", read), ("v", read), ("out", channels)):
        down = tensors.get(f"to_{part}_lora.down.weight")
        rank = down.shape[0] if down is not None and down.ndim == 2 else None
        for half, shape in (("down", (rank, inputs)), ("up", (channels, rank))):
            yield f"{index}.to_{part}_lora.{half}.weight", _known(shape)


def _token_shapes(
    index: int, tensors: Mapping[str, Tensor], width: int
) -> Iterator[tuple[str, tuple[int, int] | None]]:
    """Keys of what a layer makes of tokens, and their shapes."""
    channels = _channels(tensors)
    for part in ("k", "v"):
        yield f"{index}.to_{part}_ip.weight", _known((channels, width))


def _channels(tensors: Mapping[str, Tensor]) -> int | None:
    """Width of a layer, by its LoRA or else by its keys of tokens."""
    for key, axis in (("to_q_lora.down.weight", -1), ("to_k_ip.weight", 0)):
        if key in tensors and tensors[key].ndim == 2:
            return tensors[key].shape[axis]
    return None


def _known(shape: tuple[int | None, int | None]) -> tuple[int, int] | None:
    rows, columns = shape
    return None if rows is None or columns is None else (rows, columns)
