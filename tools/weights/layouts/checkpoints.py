"""Layouts of whole checkpoints: UNet, autoencoder and text encoders under the published prefixes."""

from __future__ import annotations

from .layers import Layout, clip_layer, conv, norm, openclip_layer, prefixed
from .unets import SD15, SDXL, UNetShape, unet

CLIP_L_WIDTH = 768
CLIP_G_WIDTH = 1280
CLIP_G_LAYERS = 32
VOCABULARY, POSITIONS = 49408, 77


def stable_diffusion() -> Layout:
    """A whole Stable Diffusion 1.5 checkpoint: UNet, VAE and text encoder under their original prefixes."""
    return {
        **prefixed("model.diffusion_model", unet(SD15)),
        **prefixed("first_stage_model", vae()),
        **prefixed("cond_stage_model.transformer.text_model", clip_text()),
    }


def sdxl(shape: UNetShape = SDXL) -> Layout:
    """A whole SDXL checkpoint, as `sd_xl_base_1.0.safetensors`, with a UNet of the given shape."""
    return {
        **prefixed("model.diffusion_model", unet(shape)),
        **prefixed("first_stage_model", vae()),
        **prefixed("conditioner.embedders.0.transformer.text_model", clip_text()),
        **prefixed("conditioner.embedders.1.model", openclip_text()),
    }


def vae() -> Layout:
    """The autoencoder of Stable Diffusion 1.5 and SDXL (128 channels, multiplied by 1, 2, 4, 4)."""
    widths = (128, 256, 512, 512)
    layout = {**conv("quant_conv", 8, 8, 1), **conv("post_quant_conv", 4, 4, 1)}
    width = widths[0]
    layout |= conv("encoder.conv_in", width, 3)
    for level, out in enumerate(widths):
        for block in range(2):
            layout |= _vae_block(f"encoder.down.{level}.block.{block}", width, out)
            width = out
        if level < 3:
            layout |= conv(f"encoder.down.{level}.downsample.conv", width, width)
    layout |= _vae_middle("encoder", width) | norm("encoder.norm_out", width) | conv("encoder.conv_out", 8, width)
    layout |= conv("decoder.conv_in", width, 4) | _vae_middle("decoder", width)
    for level, out in reversed(list(enumerate(widths))):
        for block in range(3):
            layout |= _vae_block(f"decoder.up.{level}.block.{block}", width, out)
            width = out
        if level:
            layout |= conv(f"decoder.up.{level}.upsample.conv", width, width)
    return {**layout, **norm("decoder.norm_out", width), **conv("decoder.conv_out", 3, width)}


def clip_text() -> Layout:
    """The text encoder CLIP ViT-L/14: 12 layers, 768 wide."""
    layout: Layout = {
        "embeddings.token_embedding.weight": (VOCABULARY, CLIP_L_WIDTH),
        "embeddings.position_embedding.weight": (POSITIONS, CLIP_L_WIDTH),
    }
    for index in range(12):
        layout |= clip_layer(f"encoder.layers.{index}", CLIP_L_WIDTH)
    return {**layout, **norm("final_layer_norm", CLIP_L_WIDTH)}


def openclip_text() -> Layout:
    """SDXL's second text encoder OpenCLIP ViT-bigG/14: 32 layers, 1280 wide, keys as open_clip names them."""
    width = CLIP_G_WIDTH
    layout: Layout = {
        "positional_embedding": (POSITIONS, width),
        "text_projection": (width, width),
        "logit_scale": (),
        "token_embedding.weight": (VOCABULARY, width),
    }
    for index in range(CLIP_G_LAYERS):
        layout |= openclip_layer(f"transformer.resblocks.{index}", width)
    return {**layout, **norm("ln_final", width)}


def _vae_block(key: str, inputs: int, outputs: int) -> Layout:
    layout = {**norm(f"{key}.norm1", inputs), **conv(f"{key}.conv1", outputs, inputs)}
    layout |= norm(f"{key}.norm2", outputs) | conv(f"{key}.conv2", outputs, outputs)
    return layout if inputs == outputs else {**layout, **conv(f"{key}.nin_shortcut", outputs, inputs, 1)}


def _vae_middle(half: str, width: int) -> Layout:
    layout = _vae_block(f"{half}.mid.block_1", width, width) | _vae_block(f"{half}.mid.block_2", width, width)
    layout |= norm(f"{half}.mid.attn_1.norm", width)
    for name in ("q", "k", "v", "proj_out"):
        layout |= conv(f"{half}.mid.attn_1.{name}", width, width, 1)
    return layout
