"""Names of weights in the original layout of Stable Diffusion checkpoints, from diffusers' names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from ...training.base_layout import LAYERS

# What stands in diffusers' name (a regular expression), and what stands there in the original one; all apply in turn.
Rule = tuple[str, "str | Callable[[re.Match[str]], str]"]

LEVEL = LAYERS + 1  # numbered blocks of a UNet's level: residual blocks, and on the way down what halves the side


def original_unet(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a UNet whose levels all have attention by their original names, without prefix."""
    return {_renamed(name, _UNET): tensor for name, tensor in weights.items()}


def original_vae(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a VAE by their original names, without prefix; attention consists of convolutions there."""
    last = max(int(found[1]) for name in weights if (found := re.match(r"decoder\.up_blocks\.(\d+)\.", name)))
    upwards: Rule = (r"\bup_blocks\.(\d+)\.", lambda found: f"up.{last - int(found[1])}.")
    named = {_renamed(name, (*_VAE, upwards)): tensor for name, tensor in weights.items()}
    return {
        name: tensor[:, :, None, None] if ".attn_1." in name and tensor.ndim == 2 else tensor
        for name, tensor in named.items()
    }


def _renamed(name: str, rules: Sequence[Rule]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def _block(side: str, before: int) -> Callable[[re.Match[str]], str]:
    """Residual blocks and attention of the levels, numbered through; `before` blocks come first."""

    def place(found: re.Match[str]) -> str:
        number = before + LEVEL * int(found[1]) + int(found[3])
        return f"{side}_blocks.{number}.{'0' if found[2] == 'resnets' else '1'}."

    return place


_UNET: tuple[Rule, ...] = (
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
    (r"^down_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.", _block("input", 1)),
    (r"^up_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.", _block("output", 0)),
    (
        r"^down_blocks\.(\d+)\.downsamplers\.0\.conv\.",
        lambda found: f"input_blocks.{LEVEL * (int(found[1]) + 1)}.0.op.",
    ),
    (r"^up_blocks\.(\d+)\.upsamplers\.0\.", lambda found: f"output_blocks.{LEVEL * int(found[1]) + LAYERS}.2."),
    (r"^mid_block\.resnets\.(\d+)\.", lambda found: f"middle_block.{2 * int(found[1])}."),
    (r"^mid_block\.attentions\.0\.", "middle_block.1."),
)
_VAE: tuple[Rule, ...] = (
    (r"\bconv_norm_out\.", "norm_out."),
    (r"\bconv_shortcut\.", "nin_shortcut."),
    (r"\bresnets\.", "block."),
    (r"\bmid_block\.block\.(\d+)\.", lambda found: f"mid.block_{int(found[1]) + 1}."),
    (r"\bmid_block\.attentions\.0\.", "mid.attn_1."),
    (r"\bgroup_norm\.", "norm."),
    (r"\bto_([qkv])\.", r"\1."),
    (r"\bto_out\.0\.", "proj_out."),
    (r"\bdown_blocks\.", "down."),
    (r"\bdownsamplers\.0\.", "downsample."),
    (r"\bupsamplers\.0\.", "upsample."),
)
