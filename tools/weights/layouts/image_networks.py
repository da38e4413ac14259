"""Layouts of networks that look at pictures: CLIP and DINO image encoders, face recognition, face parsing."""

from __future__ import annotations

from .layers import Layout, batch_norm, clip_layer, conv, linear, norm, openclip_layer, prefixed

Stages = tuple[tuple[int, int], ...]  # blocks and width of each
IRESNET_STAGES: Stages = ((3, 64), (13, 128), (30, 256), (3, 512))  # IR-101
PARSING_LABELS = 19
RESNET18_WIDTHS = (64, 128, 256, 512)


def clip_vision(layers: int = 32, width: int = 1280, outputs: int = 1024, inner: int | None = None) -> Layout:
    """The image encoder CLIP ViT-H/14 with its projection, keys as transformers names them.

    Args:
        layers: of the transformer.
        width: of its tokens.
        outputs: width of the projected embedding.
        inner: width of a feed-forward; None is four times that of the tokens.
    """
    layout: Layout = {
        "embeddings.class_embedding": (width,),
        "embeddings.patch_embedding.weight": (width, 3, 14, 14),
        "embeddings.position_embedding.weight": (257, width),
        **norm("pre_layrnorm", width),
    }
    for index in range(layers):
        layout |= clip_layer(f"encoder.layers.{index}", width, inner)
    return {
        **prefixed("vision_model", {**layout, **norm("post_layernorm", width)}),
        "visual_projection.weight": (outputs, width),
    }


def clip_vision_bigg() -> Layout:
    """The image encoder CLIP ViT-bigG/14, likewise; ComfyUI knows it by its 48th layer, so none can be left out."""
    return clip_vision(layers=48, width=1664, outputs=1280, inner=8192)


def openclip_vision(layers: int = 24, width: int = 1024, outputs: int = 768, patch: int = 14) -> Layout:
    """The image encoder CLIP ViT-L/14 with its projection, keys as open_clip names them."""
    layout: Layout = {
        "class_embedding": (width,),
        "positional_embedding": ((224 // patch) ** 2 + 1, width),
        "proj": (width, outputs),
        **conv("conv1", width, 3, patch, bias=False),
        **norm("ln_pre", width),
    }
    for index in range(layers):
        layout |= openclip_layer(f"transformer.resblocks.{index}", width)
    return {**layout, **norm("ln_post", width)}


def openclip_resnet(blocks: tuple[int, ...] = (3, 4, 23, 3), width: int = 64, outputs: int = 512) -> Layout:
    """The image encoder CLIP RN101 with attention pooling, keys as open_clip names them."""
    layout: Layout = {}
    for index, (made, inputs) in enumerate(((width // 2, 3), (width // 2, width // 2), (width, width // 2)), start=1):
        layout |= conv(f"conv{index}", made, inputs, bias=False) | batch_norm(f"bn{index}", made)
    inputs = width
    for stage, count in enumerate(blocks, start=1):
        inner = width * 2 ** (stage - 1)
        for block in range(count):
            key = f"layer{stage}.{block}"
            layout |= conv(f"{key}.conv1", inner, inputs, 1, bias=False) | batch_norm(f"{key}.bn1", inner)
            layout |= conv(f"{key}.conv2", inner, inner, bias=False) | batch_norm(f"{key}.bn2", inner)
            layout |= conv(f"{key}.conv3", 4 * inner, inner, 1, bias=False) | batch_norm(f"{key}.bn3", 4 * inner)
            if block == 0:
                layout |= conv(f"{key}.downsample.0", 4 * inner, inputs, 1, bias=False)
                layout |= batch_norm(f"{key}.downsample.1", 4 * inner)
            inputs = 4 * inner
    layout |= {"attnpool.positional_embedding": (50, inputs)}
    for name in ("k_proj", "q_proj", "v_proj"):
        layout |= linear(f"attnpool.{name}", inputs, inputs)
    return {**layout, **linear("attnpool.c_proj", outputs, inputs)}


def dino(layers: int = 12, width: int = 384) -> Layout:
    """The image encoder DINO ViT-S/16, backbone alone, keys as timm names them."""
    layout: Layout = {"cls_token": (1, 1, width), "pos_embed": (1, 197, width)}
    layout |= conv("patch_embed.proj", width, 3, 16)
    for index in range(layers):
        key = f"blocks.{index}"
        layout |= norm(f"{key}.norm1", width) | norm(f"{key}.norm2", width)
        layout |= linear(f"{key}.attn.qkv", 3 * width, width) | linear(f"{key}.attn.proj", width, width)
        layout |= linear(f"{key}.mlp.fc1", 4 * width, width) | linear(f"{key}.mlp.fc2", width, 4 * width)
    return {**layout, **norm("norm", width)}


def iresnet(stages: Stages = IRESNET_STAGES) -> Layout:
    """The face recognition network IR-101, or one with other blocks, with its output layer."""
    inputs, index, last = stages[0][1], 0, stages[-1][1]
    layout = {
        **conv("input_layer.0", inputs, 3, bias=False),
        **batch_norm("input_layer.1", inputs),
        "input_layer.2.weight": (inputs,),
    }
    for blocks, width in stages:
        for _ in range(blocks):
            layout |= _iresnet_block(f"body.{index}", inputs, width)
            inputs, index = width, index + 1
    layout |= batch_norm("output_layer.0", last) | linear("output_layer.3", 512, 49 * last)
    return {**layout, **batch_norm("output_layer.4", 512, affine=False)}


def face_parsing() -> Layout:
    """The face parsing network BiSeNet with its three heads, keys as in the published `face_parsing.pth`."""
    layout = prefixed("cp.resnet", _resnet18())
    for name, inputs in (("arm16", 256), ("arm32", 512)):
        layout |= _conv_norm(f"cp.{name}.conv", 128, inputs)
        layout |= conv(f"cp.{name}.conv_atten", 128, 128, 1, bias=False) | batch_norm(f"cp.{name}.bn_atten", 128)
    layout |= _conv_norm("cp.conv_head32", 128, 128) | _conv_norm("cp.conv_head16", 128, 128)
    layout |= _conv_norm("cp.conv_avg", 128, 512, 1) | _conv_norm("ffm.convblk", 256, 256, 1)
    layout |= conv("ffm.conv1", 64, 256, 1, bias=False) | conv("ffm.conv2", 256, 64, 1, bias=False)
    for name, inputs, middle in (("conv_out", 256, 256), ("conv_out16", 128, 64), ("conv_out32", 128, 64)):
        layout |= _conv_norm(f"{name}.conv", middle, inputs)
        layout |= conv(f"{name}.conv_out", PARSING_LABELS, middle, 1, bias=False)
    return layout


def _resnet18() -> Layout:
    layout = conv("conv1", 64, 3, 7, bias=False) | batch_norm("bn1", 64)
    inputs = 64
    for stage, width in enumerate(RESNET18_WIDTHS, start=1):
        for block in range(2):
            key = f"layer{stage}.{block}"
            layout |= conv(f"{key}.conv1", width, inputs, bias=False) | batch_norm(f"{key}.bn1", width)
            layout |= conv(f"{key}.conv2", width, width, bias=False) | batch_norm(f"{key}.bn2", width)
            if inputs != width:
                layout |= conv(f"{key}.downsample.0", width, inputs, 1, bias=False)
                layout |= batch_norm(f"{key}.downsample.1", width)
            inputs = width
    return layout


def _conv_norm(key: str, outputs: int, inputs: int, size: int = 3) -> Layout:
    return conv(f"{key}.conv", outputs, inputs, size, bias=False) | batch_norm(f"{key}.bn", outputs)


def _iresnet_block(key: str, inputs: int, width: int) -> Layout:
    layout = {**batch_norm(f"{key}.res_layer.0", inputs), **conv(f"{key}.res_layer.1", width, inputs, bias=False)}
    layout |= batch_norm(f"{key}.res_layer.2", width) | {f"{key}.res_layer.3.weight": (width,)}
    layout |= conv(f"{key}.res_layer.4", width, width, bias=False) | batch_norm(f"{key}.res_layer.5", width)
    if inputs == width:
        return layout
    shortcut = conv(f"{key}.shortcut_layer.0", width, inputs, 1, bias=False)
    return {**layout, **shortcut, **batch_norm(f"{key}.shortcut_layer.1", width)}
