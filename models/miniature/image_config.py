"""The sizes of the miniature's image encoder, as its file's metadata say them by transformers' names."""

from __future__ import annotations

import json
from typing import Any

from ..errors import UnknownCheckpointError

WIDTHS = ("hidden_size", "intermediate_size", "projection_dim")
COUNTS = ("num_hidden_layers", "num_attention_heads", "num_channels", "image_size", "patch_size")
OTHERS = ("model_type", "hidden_act", "layer_norm_eps")
LARGEST = 100_000


def image_config(said: str, held: int, name: str) -> dict[str, Any]:
    """The sizes that a file says, once it is clear that it holds so large a network.

    Args:
        said: the file's word, a JSON object.
        held: how many weights it has for the network.
        name: what a message calls it.

    Raises:
        UnknownCheckpointError: if they are no sizes, or those of a network with more weights.
    """
    try:
        sizes: dict[str, Any] = json.loads(said)
        numbers = [sizes[key] for key in (*WIDTHS, *COUNTS)]
        fits = (
            sizes.keys() == {*WIDTHS, *COUNTS, *OTHERS}
            and all(type(number) is int and 1 <= number <= LARGEST for number in numbers)
            and sizes["hidden_size"] % sizes["num_attention_heads"] == 0
            and sizes["patch_size"] <= sizes["image_size"]
            and isinstance(sizes["layer_norm_eps"], float)
            and all(isinstance(sizes[key], str) for key in ("model_type", "hidden_act"))
            and _least(sizes) <= held
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        fits, sizes = False, {}
    if not fits:
        raise UnknownCheckpointError(
            f"{name} says sizes of an image encoder that it does not hold ({held:,} weights); take the file that came with this pack."
        )
    return sizes


def _least(sizes: dict[str, Any]) -> int:
    """How many weights a network of these sizes has at least: attention, feed-forward, patches, places and projection."""
    width = sizes["hidden_size"]
    layers = sizes["num_hidden_layers"] * width * (4 * width + 2 * sizes["intermediate_size"])
    patches = width * sizes["num_channels"] * sizes["patch_size"] ** 2
    places = width * (sizes["image_size"] // sizes["patch_size"]) ** 2
    return layers + patches + places + width * sizes["projection_dim"]
