"""The LoRA that FaceID was trained with, from its separate file: other names, and perhaps a factor, for the same matrices.

The layers of a UNet are called there by diffusers' paths with underscores, as in kohya's sd-scripts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from ..adapters.weights import LoRA, check_layers, lora_pairs
from ..errors import UnknownCheckpointError
from ..weights.reading import Source, read_weights
from ..weights.state_dict import KeyReport
from .files import FACEID_LORA
from .layers import FAMILIES, Block, attention_paths, family_of

PREFIX = "lora_unet_"
PARTS = {"q": "to_q", "k": "to_k", "v": "to_v", "out": "to_out_0"}  # our names and the file's


def read_lora(source: Source, widths: Mapping[int, int], context_dim: int, dtype: torch.dtype | None) -> LoRA:
    """Read a separate LoRA file.

    Args:
        source: path or state dict.
        widths: C of every cross-attention layer of the adapter that it is for, by site index.
        context_dim: D, width of the text of that adapter's base model.
        dtype: of the matrices; None keeps the file's.

    Returns:
        Pairs of matrices by site index; a factor alpha / rank is in the second of each.

    Raises:
        UnknownCheckpointError: if it is something else, or made for another base model than the adapter.
        LikenessError: if the file cannot be read, see `reading.read_state_dict`.
    """
    weights, name = read_weights(source, FACEID_LORA, called="a LoRA file of IP-Adapter FaceID")
    count = 2 * len(widths)
    layers = _renamed(weights, name, family_of(count))
    check_layers(layers, context_dim, PREFIX.rstrip("_"), name, tokens=False, count=count)
    pairs = lora_pairs(layers, PREFIX.rstrip("_"), name, dtype)
    report = KeyReport(f"{name} beside this adapter")
    for index, channels in widths.items():
        down, up = pairs[index]["q"]
        report.expect_shape(f"{PREFIX}{index}.to_q_lora.up.weight", up, (channels, down.shape[0]))
    report.raise_if_faulty()
    return pairs


def is_same(one: LoRA, other: LoRA) -> bool:
    """Whether two LoRA of one base model are the same, told by the first matrix that both have."""
    first, second = (pairs[min(pairs)]["q"][0] for pairs in (one, other))
    return first.shape == second.shape and torch.equal(first.float(), second.float())


def stems(blocks: Iterable[Block]) -> dict[str, str]:
    """What a matrix's keys begin with in the separate file, and in an adapter: "lora_unet_…_to_q" and "0.to_q_lora"."""
    return {
        f"{PREFIX}{path.replace('.', '_')}_{theirs}": f"{index}.to_{ours}_lora"
        for index, path in enumerate(attention_paths(blocks))
        for ours, theirs in PARTS.items()
    }


def _renamed(weights: Mapping[str, Tensor], name: str, wanted: str | None) -> dict[str, Tensor]:
    """The matrices under the names that they have inside an adapter, with alpha / rank in the second of each pair."""
    found = {key.partition(".")[0] for key in weights}
    tables = {family: stems(blocks) for family, blocks in FAMILIES.items()}
    family = next((family for family, table in tables.items() if found <= table.keys()), None)
    if family is None:
        strangers = sorted(min((found - table.keys() for table in tables.values()), key=len))
        raise UnknownCheckpointError(
            f"{name} is no LoRA of IP-Adapter FaceID: it changes {strangers[0]}, which such a file does not; choose "
            "the published one beside the adapter."
        )
    if family != wanted:
        raise UnknownCheckpointError(
            f"{name} is a LoRA for {family}, and the adapter is one for {wanted or 'another UNet'}; choose the LoRA that was "
            "published beside the adapter."
        )
    layers: dict[str, Tensor] = {}
    for theirs, ours in tables[family].items():
        halves = {half: weights.get(f"{theirs}.lora_{half}.weight") for half in ("down", "up")}
        down, up, alpha = halves["down"], halves["up"], weights.get(f"{theirs}.alpha")
        if down is not None and up is not None and alpha is not None:
            if alpha.numel() != 1 or not down.ndim or not len(down):
                raise UnknownCheckpointError(
                    f"{name} holds {alpha.numel()} numbers in {theirs}.alpha for a matrix {tuple(down.shape)}; choose another file."
                )
            halves["up"] = (up.float() * (alpha.item() / down.shape[0])).to(up.dtype)
        layers.update({f"{ours}.{half}.weight": tensor for half, tensor in halves.items() if tensor is not None})
    return layers
