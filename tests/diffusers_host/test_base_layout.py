"""Sizes of UNet and VAE are read from the shapes of a checkpoint."""

from __future__ import annotations

import pytest
import torch
from likeness.diffusers_host.base_layout import unet_config, vae_config
from likeness.models.errors import UnknownCheckpointError
from likeness.tests.diffusers_host.small_checkpoints import SD15_SHAPE, SDXL_SHAPE, VAE, narrowed
from likeness.tools.weights import layouts


def empty(layout):
    return {key: torch.empty(shape, device="meta") for key, shape in layout.items()}


@pytest.mark.parametrize(
    ("shape", "widths", "blocks", "depths", "context", "linear"),
    [
        (layouts.SD15, [320, 640, 1280, 1280], "CCCD", [1, 1, 1, 1], 768, False),
        (layouts.SDXL, [320, 640, 1280], "DCC", [1, 2, 10], 2048, True),
        (SD15_SHAPE, [32, 64, 128, 128], "CCCD", [1, 1, 1, 1], 64, False),
        (SDXL_SHAPE, [32, 64, 128], "DCC", [1, 1, 2], 96, True),
    ],
)
def test_a_unet_has_the_sizes_that_its_tensors_have(shape, widths, blocks, depths, context, linear):
    config = unet_config(empty(layouts.unet(shape)), "small")
    assert config["block_out_channels"] == widths
    assert "".join(name[0] for name in config["down_block_types"]) == blocks
    assert "".join(name[0] for name in config["up_block_types"]) == blocks[::-1].replace("D", "U")
    assert config["transformer_layers_per_block"] == depths
    assert (config["cross_attention_dim"], config["use_linear_projection"]) == (context, linear)
    assert (config["in_channels"], config["out_channels"]) == (4, 4)


@pytest.mark.parametrize(("shape", "time", "label"), [(layouts.SDXL, 256, 2816), (SDXL_SHAPE, 32, 32 + 6 * 32)])
def test_sdxl_is_told_sizes_beside_the_pooled_text(shape, time, label):
    config = unet_config(empty(layouts.unet(shape)), "small")
    assert (config["addition_time_embed_dim"], config["projection_class_embeddings_input_dim"]) == (time, label)
    assert config["attention_head_dim"] == [max(1, width // 64) for width in shape.widths]
    assert "addition_embed_type" not in unet_config(empty(layouts.unet(SD15_SHAPE)), "small")


@pytest.mark.parametrize(
    ("layout", "widths"),
    [(layouts.vae(), [128, 256, 512, 512]), (narrowed(layouts.vae(), VAE), [32, 64, 128, 128])],
)
def test_a_vae_has_the_sizes_that_its_tensors_have(layout, widths):
    config = vae_config(empty(layout), "small")
    assert (config["block_out_channels"], config["latent_channels"]) == (widths, 4)
    assert len(config["down_block_types"]) == len(config["up_block_types"]) == 4


@pytest.mark.parametrize("missing", ["input_blocks.0.0.weight", "out.2.weight", "time_embed.0.weight"])
def test_a_unet_without_what_sizes_are_read_from_is_refused(missing):
    weights = empty(layouts.unet(SD15_SHAPE))
    del weights[missing]
    with pytest.raises(UnknownCheckpointError, match="small, UNet,"):
        unet_config(weights, "small")


def test_a_unet_that_reads_no_text_is_refused():
    weights = {key: one for key, one in empty(layouts.unet(SD15_SHAPE)).items() if "attn2" not in key}
    with pytest.raises(UnknownCheckpointError, match="attn2"):
        unet_config(weights, "small")
