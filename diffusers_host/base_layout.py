"""Configurations of diffusers' networks, read from the shapes of a checkpoint's tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ..models.weights.state_dict import require_keys

LAYERS = 2  # residual blocks of a level on the way down, the same in SD1.5 and SDXL
SD15_HEADS = 8  # SD1.5 counts heads, SDXL gives them a width
SDXL_HEAD = 64
SIZE_NUMBERS = 6  # SDXL's sizes and crops, embedded beside the pooled text


def unet_config(weights: Mapping[str, Tensor], name: str) -> dict[str, Any]:
    """Arguments of UNet2DConditionModel.

    Args:
        weights: the UNet's tensors under their original names, without the prefix.
        name: what messages call the file.

    Raises:
        UnknownCheckpointError: if the tensors that sizes are read from are missing.
    """
    axes = {"input_blocks.0.0.weight": 4, "time_embed.0.weight": 2, "out.2.weight": 4}
    require_keys(weights, axes | {"input_blocks.1.0.out_layers.3.weight": 4}, f"{name}, UNet,")
    widths, depths = _levels(weights)
    middle = _depth(weights, "middle_block.1")
    projections = [key for key in weights if key.endswith(".proj_in.weight")]
    contexts = [key for key in weights if key.endswith(".attn2.to_k.weight")]
    require_keys(weights, {(contexts or ["*.attn2.to_k.weight"])[0]: 2}, f"{name}, UNet,")
    down = ["CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in depths]
    up = ["CrossAttnUpBlock2D" if depth else "UpBlock2D" for depth in reversed(depths)]
    config: dict[str, Any] = {
        "in_channels": weights["input_blocks.0.0.weight"].shape[1],
        "out_channels": weights["out.2.weight"].shape[0],
        "down_block_types": down,
        "up_block_types": up,
        "block_out_channels": widths,
        "layers_per_block": LAYERS,
        "cross_attention_dim": weights[contexts[0]].shape[1],
        "time_embedding_dim": weights["time_embed.0.weight"].shape[0],
        # diffusers builds the middle as deep as the last level
        "transformer_layers_per_block": [*(depth or 1 for depth in depths[:-1]), middle],
        "use_linear_projection": weights[projections[0]].ndim == 2,
        "attention_head_dim": SD15_HEADS,  # the number of heads, whatever its name
    }
    if "label_emb.0.0.weight" in weights:
        config |= _sdxl_parts(weights["label_emb.0.0.weight"].shape[1], widths)
    return config


def vae_config(weights: Mapping[str, Tensor], name: str) -> dict[str, Any]:
    """Arguments of AutoencoderKL, see `unet_config`."""
    require_keys(weights, {"encoder.conv_in.weight": 4, "post_quant_conv.weight": 4, "quant_conv.weight": 4}, name)
    widths: list[int] = []
    while (key := f"encoder.down.{len(widths)}.block.0.conv1.weight") in weights:
        widths.append(weights[key].shape[0])
    return {
        "in_channels": weights["encoder.conv_in.weight"].shape[1],
        "out_channels": weights["encoder.conv_in.weight"].shape[1],
        "latent_channels": weights["post_quant_conv.weight"].shape[0],
        "down_block_types": ["DownEncoderBlock2D"] * len(widths),
        "up_block_types": ["UpDecoderBlock2D"] * len(widths),
        "block_out_channels": widths,
        "layers_per_block": LAYERS,
    }


def _levels(weights: Mapping[str, Tensor]) -> tuple[list[int], list[int]]:
    """Channels and transformer blocks of every level."""
    widths, depths = [], []
    while (key := f"input_blocks.{1 + len(widths) * (LAYERS + 1)}") + ".0.out_layers.3.weight" in weights:
        widths.append(weights[f"{key}.0.out_layers.3.weight"].shape[0])
        depths.append(_depth(weights, f"{key}.1"))
    return widths, depths


def _depth(weights: Mapping[str, Tensor], place: str) -> int:
    """Number of transformer blocks at one place."""
    start = f"{place}.transformer_blocks."
    return len({key[len(start) :].split(".")[0] for key in weights if key.startswith(start)})


def _sdxl_parts(label: int, widths: list[int]) -> dict[str, Any]:
    # the pooled text is as wide as the sizes leave it: 2816 = 1280 + 6 · 256
    time = 256 if label > SIZE_NUMBERS * 256 else label // (SIZE_NUMBERS + 1)
    return {
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": time,
        "projection_class_embeddings_input_dim": label,
        "attention_head_dim": [max(1, width // SDXL_HEAD) for width in widths],
    }
