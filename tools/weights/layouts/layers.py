"""Key names and shapes of single layers, the pieces of every layout."""

from __future__ import annotations

from collections.abc import Mapping

Shape = tuple[int, ...]
Layout = dict[str, Shape]


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


def perceiver_attention(key: str, width: int) -> Layout:
    """Attention of latents to features and to themselves, heads as wide as the latents together."""
    layout = norm(f"{key}.norm1", width) | norm(f"{key}.norm2", width)
    layout |= linear(f"{key}.to_q", width, width, bias=False)
    layout |= linear(f"{key}.to_kv", 2 * width, width, bias=False)
    return {**layout, **linear(f"{key}.to_out", width, width, bias=False)}


def feed_forward(key: str, width: int) -> Layout:
    """Norm, linear, GELU, linear, four times as wide inside."""
    layout = norm(f"{key}.0", width) | linear(f"{key}.1", 4 * width, width, bias=False)
    return {**layout, **linear(f"{key}.3", width, 4 * width, bias=False)}


def clip_layer(key: str, width: int, inner: int | None = None) -> Layout:
    """One layer of a CLIP encoder, keys as transformers names them; `inner` is four times the width where it is not given."""
    inner = inner or 4 * width
    layout = norm(f"{key}.layer_norm1", width) | norm(f"{key}.layer_norm2", width)
    for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
        layout |= linear(f"{key}.self_attn.{name}", width, width)
    return {**layout, **linear(f"{key}.mlp.fc1", inner, width), **linear(f"{key}.mlp.fc2", width, inner)}


def openclip_layer(key: str, width: int) -> Layout:
    """One layer of a CLIP encoder, keys as open_clip names them."""
    layout = norm(f"{key}.ln_1", width) | norm(f"{key}.ln_2", width)
    layout |= {f"{key}.attn.in_proj_weight": (3 * width, width), f"{key}.attn.in_proj_bias": (3 * width,)}
    layout |= linear(f"{key}.attn.out_proj", width, width)
    return {**layout, **linear(f"{key}.mlp.c_fc", 4 * width, width), **linear(f"{key}.mlp.c_proj", width, 4 * width)}


def lora(index: int, width: int, context: int, rank: int) -> Layout:
    """The low-rank pairs of one attention layer, as UniPortrait and ConsistentID name them."""
    layout: Layout = {}
    for name, inputs in (("q", width), ("k", context), ("v", context), ("out", width)):
        layout |= linear(f"{index}.to_{name}_lora.down", rank, inputs, bias=False)
        layout |= linear(f"{index}.to_{name}_lora.up", width, rank, bias=False)
    return layout
