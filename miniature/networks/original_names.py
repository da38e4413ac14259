"""Names of a UNet's weights in the original layout of Stable Diffusion checkpoints, from diffusers' names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from torch import Tensor

# What stands in diffusers' name (a regular expression), and what stands there in the original one; all apply in turn.
Rule = tuple[str, "str | Callable[[re.Match[str]], str]"]


def original_unet(weights: Mapping[str, Tensor], blocks: int) -> dict[str, Tensor]:
    """Return the weights by their original names, without prefix.

    Args:
        weights: of a UNet whose levels all have attention, by diffusers' names.
        blocks: residual blocks of a level on the way down.
    """
    rules = (*_LAYERS, *_places(blocks))
    return {_rename(name, rules): tensor for name, tensor in weights.items()}


def _rename(name: str, rules: tuple[Rule, ...]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def _places(blocks: int) -> tuple[Rule, ...]:
    """Return the rules for the levels: their blocks, and what halves or doubles the side, are numbered through."""
    level = blocks + 1

    def block(side: str, before: int) -> Callable[[re.Match[str]], str]:
        def place(found: re.Match[str]) -> str:
            number = before + level * int(found[1]) + int(found[3])
            return f"{side}_blocks.{number}.{'0' if found[2] == 'resnets' else '1'}."

        return place

    return (
        (r"^down_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.", block("input", 1)),
        (r"^up_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.", block("output", 0)),
        (
            r"^down_blocks\.(\d+)\.downsamplers\.0\.conv\.",
            lambda found: f"input_blocks.{level * (int(found[1]) + 1)}.0.op.",
        ),
        (r"^up_blocks\.(\d+)\.upsamplers\.0\.", lambda found: f"output_blocks.{level * int(found[1]) + blocks}.2."),
    )


_LAYERS: tuple[Rule, ...] = (
    (r"(resnets\.\d+\.)norm1\.", r"\1in_layers.0."),
    (r"(resnets\.\d+\.)conv1\.", r"\1in_layers.2."),
    (r"(resnets\.\d+\.)time_emb_proj\.", r"\1emb_layers.1."),
    (r"(resnets\.\d+\.)norm2\.", r"\1out_layers.0."),
    (r"(resnets\.\d+\.)conv2\.", r"\1out_layers.3."),
    (r"(resnets\.\d+\.)conv_shortcut\.", r"\1skip_connection."),
    (r"^conv_in\.", "input_blocks.0.0."),
    (r"^time_embedding\.linear_1\.", "time_embed.0."),
    (r"^time_embedding\.linear_2\.", "time_embed.2."),
    (r"^conv_norm_out\.", "out.0."),
    (r"^conv_out\.", "out.2."),
    (r"^mid_block\.resnets\.(\d+)\.", lambda found: f"middle_block.{2 * int(found[1])}."),
    (r"^mid_block\.attentions\.0\.", "middle_block.1."),
)
