"""Layouts of adapters' files: UniPortrait, ConsistentID, OmniPortrait, FaceStudio and the public image prompt adapter."""

from __future__ import annotations

from .image_networks import openclip_vision
from .layers import Layout, feed_forward, linear, lora, norm, perceiver_attention, prefixed
from .unets import SD15, UNetShape

RANK = 128
UNIPORTRAIT_TOKENS = 16
ID_TOKENS = 4  # of ConsistentID, and of the image prompt adapter
PLUS_TOKENS = 16  # of the image prompt adapter's Plus kind
CLIP_WIDTH = 1280  # of ViT-H's tokens
VIT_H, BIGG = 1024, 1280  # widths of projected embeddings
EMBEDDING_WIDTH = 768  # of ViT-L's projected embedding, which OmniPortrait reads
FACE_WIDTH, STYLE_TOKENS, STYLE_RANK = 512, 8, 64  # of FaceStudio, as this pack's trainer makes it
REGION_WIDTH, REGION_DEPTH, PROJECTION_DEPTH = 1024, 8, 4  # ConsistentID's two perceivers


def uniportrait_projection() -> Layout:
    """UniPortrait's ID embedding module (`faceid_proj`)."""
    width, clip = SD15.context, CLIP_WIDTH + 64 + 128 + 256
    layout: Layout = {"latents": (1, UNIPORTRAIT_TOKENS, width)}
    layout |= linear("proj_id.0", 1024, 512) | linear("proj_id.2", width, 1024)
    layout |= linear("proj_clip.0", 2 * clip, clip) | linear("proj_clip.2", width, 2 * clip)
    for layer in range(6):
        for attention in range(2):
            layout |= perceiver_attention(f"layers.{layer}.{attention}", width)
        layout |= feed_forward(f"layers.{layer}.2", width)
    return {**layout, **linear("proj_out", width, width), **norm("norm_out", width)}


def uniportrait_adapter(*, router: bool) -> Layout:
    """UniPortrait's `faceid_adapter`: LoRA everywhere, with the face projections or, if asked for, the routers."""
    layout: Layout = {}
    text = SD15.context
    for block, width in enumerate(SD15.transformer_widths):
        layout |= lora(2 * block, width, width, RANK) | lora(2 * block + 1, width, text, RANK)
        cross = f"{2 * block + 1}"
        if not router:
            layout |= linear(f"{cross}.to_k_faceid", width, text, bias=False)
            layout |= linear(f"{cross}.to_v_faceid", width, text, bias=False)
            continue
        layout |= linear(f"{cross}.to_q_router.0", 2 * width, width)
        layout |= linear(f"{cross}.to_q_router.2", width, 2 * width, bias=False)
        layout |= linear(f"{cross}.to_k_router.0", 2 * text, text)
        layout |= linear(f"{cross}.to_k_router.2", width, 2 * text, bias=False)
        layout |= linear(f"{cross}.aggr_router", 1, UNIPORTRAIT_TOKENS)
    return layout


def ip_adapter(shape: UNetShape = SD15, embedding: int = VIT_H) -> Layout:
    """The public image prompt adapter for a UNet and a width of embeddings; flat, as in a `.safetensors`."""
    projection = {**linear("proj", ID_TOKENS * shape.context, embedding), **norm("norm", shape.context)}
    attention: Layout = {}
    for block, width in enumerate(shape.transformer_widths):
        attention |= _image_prompt(2 * block + 1, width, shape.context)
    return prefixed("image_proj", projection) | prefixed("ip_adapter", attention)


def ip_adapter_plus() -> Layout:
    """The Plus kind for Stable Diffusion 1.5, a resampler of CLIP's tokens; flat, as in a `.safetensors`."""
    width = SD15.context
    resampler: Layout = {"latents": (1, PLUS_TOKENS, width), **_perceiver(width, width, PROJECTION_DEPTH)}
    attention = {key: kept for key, kept in ip_adapter().items() if key.startswith("ip_adapter.")}
    return prefixed("image_proj", resampler) | attention


def ip_adapter_faceid_plus(shape: UNetShape) -> dict[str, Layout]:
    """FaceID Plus and PlusV2 for a UNet, LoRA inside; the networks are those of ConsistentID."""
    return {"image_proj": consistentid_projection(shape.context), "ip_adapter": consistentid_adapter(shape)}


def consistentid(shape: UNetShape) -> dict[str, Layout]:
    """ConsistentID's three parts for a UNet; SDXL's file has another name for the projection."""
    return {
        "image_proj" if shape.context == SD15.context else "image_proj_model": consistentid_projection(shape.context),
        "adapter_modules": consistentid_adapter(shape),
        "FacialEncoder": consistentid_facial_encoder(shape.context),
    }


def consistentid_projection(width: int) -> Layout:
    """ConsistentID's ID projection: a face vector and CLIP tokens to four tokens of the text's width."""
    layout = linear("proj.0", 1024, 512) | linear("proj.2", ID_TOKENS * width, 1024) | norm("norm", width)
    return layout | prefixed("perceiver_resampler", _perceiver(width, width, PROJECTION_DEPTH))


def consistentid_facial_encoder(width: int) -> Layout:
    """ConsistentID's facial encoder: the region resampler and the fusion with the text."""
    resampler: Layout = {"latents": (1, 1, REGION_WIDTH), **_perceiver(REGION_WIDTH, width, REGION_DEPTH)}
    layout = prefixed("visual_projection", resampler)
    for name, inputs in (("mlp1", 2 * width), ("mlp2", width)):
        key = f"fuse_module.{name}"
        layout |= norm(f"{key}.layernorm", inputs)
        layout |= linear(f"{key}.fc1", width, inputs) | linear(f"{key}.fc2", width, width)
    return layout | norm("fuse_module.layer_norm", width)


def consistentid_adapter(shape: UNetShape) -> Layout:
    """ConsistentID's attention layers: LoRA everywhere, keys and values of the ID tokens on the cross-attention."""
    layout: Layout = {}
    for block, width in enumerate(shape.transformer_widths):
        layout |= lora(2 * block, width, width, RANK) | lora(2 * block + 1, width, shape.context, RANK)
        layout |= _image_prompt(2 * block + 1, width, shape.context)
    return layout


def omniportrait(context: int) -> Layout:
    """OmniPortrait's fusion for a width of text, with its whole image encoder."""
    return {**linear("fusion", context, EMBEDDING_WIDTH + context), **prefixed("visual", openclip_vision())}


def facestudio(shape: UNetShape, style: int = EMBEDDING_WIDTH) -> Layout:
    """FaceStudio, trained cheaply, for a UNet and a width of style embeddings; SDXL's with the layer of its pooled vector."""
    width = shape.context
    inputs = style + FACE_WIDTH
    layout: Layout = {"layer.weight": (STYLE_TOKENS * width, inputs), "layer.bias": (STYLE_TOKENS, width)}
    if shape.label:
        layout |= linear("pooled", BIGG, width) | {"pooled.empty": (BIGG,)}
    for block, channels in enumerate(shape.transformer_widths):
        own, cross = 2 * block, 2 * block + 1
        for name in ("to_k", "to_v"):
            layout |= linear(f"attention.{cross}.{name}", channels, width, bias=False)
        kept = lora(own, channels, channels, STYLE_RANK) | lora(cross, channels, width, STYLE_RANK)
        replaced = tuple(f"{cross}.to_{name}_lora." for name in "kv")
        layout |= prefixed("lora", {key: size for key, size in kept.items() if not key.startswith(replaced)})
    return layout


def _image_prompt(index: int, width: int, context: int) -> Layout:
    keys = linear(f"{index}.to_k_ip", width, context, bias=False)
    return keys | linear(f"{index}.to_v_ip", width, context, bias=False)


def _perceiver(width: int, outputs: int, depth: int) -> Layout:
    layout = linear("proj_in", width, CLIP_WIDTH) | linear("proj_out", outputs, width) | norm("norm_out", outputs)
    for layer in range(depth):
        layout |= perceiver_attention(f"layers.{layer}.0", width) | feed_forward(f"layers.{layer}.1", width)
    return layout
