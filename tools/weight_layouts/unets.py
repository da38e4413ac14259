"""Key names and shapes of the published weight files that the pack works with, written as small generators."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

Shape = tuple[int, ...]
Layout = dict[str, Shape]

UNET_WIDTHS = (320, 640, 1280, 1280)  # Stable Diffusion 1.5: model channels 320, multiplied by 1, 2, 4, 4
TIME_WIDTH = 1280
TEXT_WIDTH = 768
UNIPORTRAIT_RANK = 128
UNIPORTRAIT_TOKENS = 16
# Reference numbering: down, up, then mid; each entry is one transformer block (one self, one cross attention).
UNIPORTRAIT_WIDTHS = (320, 320, 640, 640, 1280, 1280, 1280, 1280, 1280, 640, 640, 640, 320, 320, 320, 1280)
IRESNET_STAGES = ((3, 64), (13, 128), (30, 256), (3, 512))  # IR-101: blocks and width of each stage


def prefixed(prefix: str, layout: Mapping[str, Shape]) -> Layout:
    """Put a prefix and a dot before every key."""
    return {f"{prefix}.{key}": shape for key, shape in layout.items()}


def linear(key: str, outputs: int, inputs: int, *, bias: bool = True) -> Layout:
    """A linear layer."""
    layout: Layout = {f"{key}.weight": (outputs, inputs)}
    return {**layout, f"{key}.bias": (outputs,)} if bias else layout


def conv(key: str, outputs: int, inputs: int, size: int = 3, *, bias: bool = True) -> Layout:
    """A 2-D convolution with a square kernel."""
    layout: Layout = {f"{key}.weight": (outputs, inputs, size, size)}
    return {**layout, f"{key}.bias": (outputs,)} if bias else layout


def norm(key: str, width: int) -> Layout:
    """A group or layer norm with scale and shift."""
    return {f"{key}.weight": (width,), f"{key}.bias": (width,)}


def batch_norm(key: str, width: int, *, affine: bool = True) -> Layout:
    """A batch norm with its running statistics."""
    statistics: Layout = {f"{key}.running_mean": (width,), f"{key}.running_var": (width,)}
    counter: Layout = {f"{key}.num_batches_tracked": ()}
    return {**(norm(key, width) if affine else {}), **statistics, **counter}


def stable_diffusion() -> Layout:
    """A whole Stable Diffusion 1.5 checkpoint: UNet, VAE and text encoder under their original prefixes."""
    return {
        **prefixed("model.diffusion_model", unet()),
        **prefixed("first_stage_model", vae()),
        **prefixed("cond_stage_model.transformer.text_model", clip_text()),
    }


def unet() -> Layout:
    """The UNet of Stable Diffusion 1.5."""
    layout, skips = _encoder()
    width = UNET_WIDTHS[-1]
    block = 0
    for level in reversed(range(4)):
        for position in range(3):
            prefix = f"output_blocks.{block}"
            layout |= _res_block(f"{prefix}.0", width + skips.pop(), UNET_WIDTHS[level])
            width = UNET_WIDTHS[level]
            has_attention = level < 3
            if has_attention:
                layout |= _transformer(f"{prefix}.1", width)
            if position == 2 and level:
                layout |= conv(f"{prefix}.{1 + has_attention}.conv", width, width)
            block += 1
    return {**layout, **norm("out.0", width), **conv("out.2", 4, width)}


def control_net() -> Layout:
    """A ControlNet for Stable Diffusion 1.5, keys as in the published files."""
    layout, widths = _encoder()
    for index, width in enumerate(widths):
        layout |= conv(f"zero_convs.{index}.0", width, width, 1)
    layout |= conv("middle_block_out.0", UNET_WIDTHS[-1], UNET_WIDTHS[-1], 1)
    hint_widths = (3, 16, 16, 32, 32, 96, 96, 256, 320)
    for index, (inputs, outputs) in enumerate(pairwise(hint_widths)):
        layout |= conv(f"input_hint_block.{2 * index}", outputs, inputs)
    return prefixed("control_model", layout)


def vae() -> Layout:
    """The autoencoder of Stable Diffusion 1.5 (128 channels, multiplied by 1, 2, 4, 4)."""
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
        "embeddings.token_embedding.weight": (49408, TEXT_WIDTH),
        "embeddings.position_embedding.weight": (77, TEXT_WIDTH),
    }
    for index in range(12):
        layout |= _clip_layer(f"encoder.layers.{index}", TEXT_WIDTH)
    return {**layout, **norm("final_layer_norm", TEXT_WIDTH)}


def clip_vision(layers: int = 32, width: int = 1280) -> Layout:
    """The image encoder CLIP ViT-H/14 with its projection, keys as transformers names them."""
    layout: Layout = {
        "embeddings.class_embedding": (width,),
        "embeddings.patch_embedding.weight": (width, 3, 14, 14),
        "embeddings.position_embedding.weight": (257, width),
        **norm("pre_layrnorm", width),
    }
    for index in range(layers):
        layout |= _clip_layer(f"encoder.layers.{index}", width)
    return {
        **prefixed("vision_model", {**layout, **norm("post_layernorm", width)}),
        "visual_projection.weight": (1024, width),
    }


def uniportrait_projection() -> Layout:
    """UniPortrait's ID embedding module (`faceid_proj`)."""
    width, clip = TEXT_WIDTH, 1280 + 64 + 128 + 256
    layout: Layout = {"latents": (1, UNIPORTRAIT_TOKENS, width)}
    layout |= linear("proj_id.0", 1024, 512) | linear("proj_id.2", width, 1024)
    layout |= linear("proj_clip.0", 2 * clip, clip) | linear("proj_clip.2", width, 2 * clip)
    for layer in range(6):
        for attention in range(2):
            key = f"layers.{layer}.{attention}"
            layout |= norm(f"{key}.norm1", width) | norm(f"{key}.norm2", width)
            layout |= linear(f"{key}.to_q", width, width, bias=False)
            layout |= linear(f"{key}.to_kv", 2 * width, width, bias=False)
            layout |= linear(f"{key}.to_out", width, width, bias=False)
        layout |= norm(f"layers.{layer}.2.0", width)
        layout |= linear(f"layers.{layer}.2.1", 4 * width, width, bias=False)
        layout |= linear(f"layers.{layer}.2.3", width, 4 * width, bias=False)
    return {**layout, **linear("proj_out", width, width), **norm("norm_out", width)}


def uniportrait_adapter(*, router: bool) -> Layout:
    """UniPortrait's `faceid_adapter`: LoRA everywhere, with the face projections or, if asked for, the routers."""
    layout: Layout = {}
    for block, width in enumerate(UNIPORTRAIT_WIDTHS):
        layout |= _lora(2 * block, width, width) | _lora(2 * block + 1, width, TEXT_WIDTH)
        cross = f"{2 * block + 1}"
        if not router:
            layout |= linear(f"{cross}.to_k_faceid", width, TEXT_WIDTH, bias=False)
            layout |= linear(f"{cross}.to_v_faceid", width, TEXT_WIDTH, bias=False)
            continue
        layout |= linear(f"{cross}.to_q_router.0", 2 * width, width)
        layout |= linear(f"{cross}.to_q_router.2", width, 2 * width, bias=False)
        layout |= linear(f"{cross}.to_k_router.0", 2 * TEXT_WIDTH, TEXT_WIDTH)
        layout |= linear(f"{cross}.to_k_router.2", width, 2 * TEXT_WIDTH, bias=False)
        layout |= linear(f"{cross}.aggr_router", 1, UNIPORTRAIT_TOKENS)
    return layout


def ip_adapter() -> dict[str, Layout]:
    """The public image prompt adapter for Stable Diffusion 1.5: `image_proj` and `ip_adapter`."""
    tokens = 4
    projection = {**linear("proj", tokens * TEXT_WIDTH, 1024), **norm("norm", TEXT_WIDTH)}
    attention: Layout = {}
    for block, width in enumerate(UNIPORTRAIT_WIDTHS):
        attention |= linear(f"{2 * block + 1}.to_k_ip", width, TEXT_WIDTH, bias=False)
        attention |= linear(f"{2 * block + 1}.to_v_ip", width, TEXT_WIDTH, bias=False)
    return {"image_proj": projection, "ip_adapter": attention}


def iresnet() -> Layout:
    """The face recognition network IR-101 with its output layer."""
    layout = {
        **conv("input_layer.0", 64, 3, bias=False),
        **batch_norm("input_layer.1", 64),
        "input_layer.2.weight": (64,),
    }
    inputs, index = 64, 0
    for blocks, width in IRESNET_STAGES:
        for _ in range(blocks):
            layout |= _iresnet_block(f"body.{index}", inputs, width)
            inputs, index = width, index + 1
    layout |= batch_norm("output_layer.0", 512) | linear("output_layer.3", 512, 25088)
    return {**layout, **batch_norm("output_layer.4", 512, affine=False)}


def user_lora(rank: int = 4) -> Layout:
    """A LoRA of the kind that users train, on the self-attention of the down blocks, keys as kohya's scripts name them."""
    layout: Layout = {}
    for block, width in ((0, 320), (1, 640), (2, 1280)):
        for name in ("to_q", "to_k", "to_v", "to_out_0"):
            key = f"lora_unet_down_blocks_{block}_attentions_0_transformer_blocks_0_attn1_{name}"
            layout[f"{key}.lora_down.weight"] = (rank, width)
            layout[f"{key}.lora_up.weight"] = (width, rank)
    return layout


def _encoder() -> tuple[Layout, list[int]]:
    """The encoder half and the middle block of the UNet, and the width of every skip connection."""
    first = UNET_WIDTHS[0]
    layout = {**linear("time_embed.0", TIME_WIDTH, first), **linear("time_embed.2", TIME_WIDTH, TIME_WIDTH)}
    layout |= conv("input_blocks.0.0", first, 4)
    widths = [first]
    for level, width in enumerate(UNET_WIDTHS):
        for _ in range(2):
            prefix = f"input_blocks.{len(widths)}"
            layout |= _res_block(f"{prefix}.0", widths[-1], width)
            if level < 3:
                layout |= _transformer(f"{prefix}.1", width)
            widths.append(width)
        if level < 3:
            layout |= conv(f"input_blocks.{len(widths)}.0.op", width, width)
            widths.append(width)
    last = widths[-1]
    layout |= _res_block("middle_block.0", last, last) | _transformer("middle_block.1", last)
    return {**layout, **_res_block("middle_block.2", last, last)}, widths


def _res_block(key: str, inputs: int, outputs: int) -> Layout:
    layout = {**norm(f"{key}.in_layers.0", inputs), **conv(f"{key}.in_layers.2", outputs, inputs)}
    layout |= linear(f"{key}.emb_layers.1", outputs, TIME_WIDTH)
    layout |= norm(f"{key}.out_layers.0", outputs) | conv(f"{key}.out_layers.3", outputs, outputs)
    return layout if inputs == outputs else {**layout, **conv(f"{key}.skip_connection", outputs, inputs, 1)}


def _transformer(key: str, width: int) -> Layout:
    block = f"{key}.transformer_blocks.0"
    layout = {**norm(f"{key}.norm", width), **conv(f"{key}.proj_in", width, width, 1)}
    for attention, context in (("attn1", width), ("attn2", TEXT_WIDTH)):
        layout |= linear(f"{block}.{attention}.to_q", width, width, bias=False)
        layout |= linear(f"{block}.{attention}.to_k", width, context, bias=False)
        layout |= linear(f"{block}.{attention}.to_v", width, context, bias=False)
        layout |= linear(f"{block}.{attention}.to_out.0", width, width)
    layout |= linear(f"{block}.ff.net.0.proj", 8 * width, width) | linear(f"{block}.ff.net.2", width, 4 * width)
    for index in (1, 2, 3):
        layout |= norm(f"{block}.norm{index}", width)
    return {**layout, **conv(f"{key}.proj_out", width, width, 1)}


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


def _clip_layer(key: str, width: int) -> Layout:
    layout = norm(f"{key}.layer_norm1", width) | norm(f"{key}.layer_norm2", width)
    for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
        layout |= linear(f"{key}.self_attn.{name}", width, width)
    return {**layout, **linear(f"{key}.mlp.fc1", 4 * width, width), **linear(f"{key}.mlp.fc2", width, 4 * width)}


def _lora(index: int, width: int, context: int) -> Layout:
    layout: Layout = {}
    for name, inputs in (("q", width), ("k", context), ("v", context), ("out", width)):
        layout |= linear(f"{index}.to_{name}_lora.down", UNIPORTRAIT_RANK, inputs, bias=False)
        layout |= linear(f"{index}.to_{name}_lora.up", width, UNIPORTRAIT_RANK, bias=False)
    return layout


def _iresnet_block(key: str, inputs: int, width: int) -> Layout:
    layout = {**batch_norm(f"{key}.res_layer.0", inputs), **conv(f"{key}.res_layer.1", width, inputs, bias=False)}
    layout |= batch_norm(f"{key}.res_layer.2", width) | {f"{key}.res_layer.3.weight": (width,)}
    layout |= conv(f"{key}.res_layer.4", width, width, bias=False) | batch_norm(f"{key}.res_layer.5", width)
    if inputs == width:
        return layout
    shortcut = conv(f"{key}.shortcut_layer.0", width, inputs, 1, bias=False)
    return {**layout, **shortcut, **batch_norm(f"{key}.shortcut_layer.1", width)}
