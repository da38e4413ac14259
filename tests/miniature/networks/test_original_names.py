"""Names of a UNet's weights in Stable Diffusion's original layout."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint
from likeness.miniature.networks.original_names import original_unet
from likeness.miniature.networks.untrained import new_base, unet_config
from likeness.models.miniature.sizes import BaseSizes

SMALL = {"vae": (16, 16), "latent_channels": 4, "text": 16, "text_layers": 1, "text_heads": 1}
SIZES = [BaseSizes(unet=(32, 64, 64), blocks=blocks, **SMALL) for blocks in (1, 2)]


@pytest.mark.parametrize("sizes", SIZES, ids=["one block", "two blocks"])
def test_diffusers_reads_the_names_back(sizes):
    weights = new_base(sizes, seed=0).unet.state_dict()
    named = original_unet(weights, sizes.blocks)
    again = convert_ldm_unet_checkpoint(
        {f"model.diffusion_model.{key}": tensor for key, tensor in named.items()}, unet_config(sizes)
    )
    assert again.keys() == weights.keys()
    assert all(torch.equal(again[key], weights[key]) for key in weights)


@pytest.mark.parametrize(
    ("name", "blocks", "expected"),
    [
        ("conv_in.weight", 1, "input_blocks.0.0.weight"),
        ("time_embedding.linear_2.bias", 2, "time_embed.2.bias"),
        ("down_blocks.0.resnets.0.conv1.weight", 2, "input_blocks.1.0.in_layers.2.weight"),
        ("down_blocks.1.attentions.1.proj_in.weight", 2, "input_blocks.5.1.proj_in.weight"),
        ("down_blocks.1.attentions.0.proj_in.weight", 1, "input_blocks.3.1.proj_in.weight"),
        ("down_blocks.0.downsamplers.0.conv.weight", 2, "input_blocks.3.0.op.weight"),
        ("mid_block.resnets.1.norm1.weight", 2, "middle_block.2.in_layers.0.weight"),
        ("up_blocks.1.resnets.2.conv_shortcut.bias", 2, "output_blocks.5.0.skip_connection.bias"),
        ("up_blocks.0.upsamplers.0.conv.weight", 2, "output_blocks.2.2.conv.weight"),
        ("conv_out.bias", 1, "out.2.bias"),
    ],
)
def test_names_are_those_of_stable_diffusion(name, blocks, expected):
    assert original_unet({name: torch.zeros(1)}, blocks).keys() == {expected}
