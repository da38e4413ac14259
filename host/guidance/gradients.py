"""Gradients with respect to a UNet's input inside ComfyUI.

ComfyUI runs nodes in inference mode, so no graph may hold a loaded weight. While `differentiable` lasts, layers compute what
they always do; convolutions and linear layers remember nothing but themselves, and norms use a copy of their weights.
No parameter is replaced, and no gradient of a weight is ever computed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import comfy.ops
import torch
from comfy.ldm.modules.attention import FeedForward
from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.grad import conv2d_input
from torch.utils.checkpoint import checkpoint

from ...models.errors import IncompatibleBaseModelError

Forward = Callable[..., Tensor]
Project = Callable[[nn.Module, Tensor, torch.Size], Tensor]


class _Frozen(torch.autograd.Function):
    """A layer that is linear in its input, as it is; backward asks for its weight anew."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: nn.Module, forward: Forward, transpose: Project) -> Tensor:
        ctx.layer, ctx.transpose, ctx.shape = layer, transpose, x.shape
        given = forward(x)
        # autograd lets nobody write into a view from here, and other packs may
        return torch.ops.aten._unsafe_view(given, given.shape) if given._is_view() else given

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        [gradient] = gradients
        return ctx.transpose(ctx.layer, gradient, ctx.shape), None, None, None


@contextmanager
def differentiable(*networks: nn.Module, is_saving: bool = False) -> Generator[None, None, None]:
    """While it lasts, a graph from the UNet's input may run through layers, and inference mode is off.

    Args:
        networks: the UNet of a MODEL, and what is added to its layers; the same one may be named twice.
        is_saving: whether feed-forward layers and residual blocks keep their input alone and are computed anew in the
            backward pass. No patch of any pack runs inside these, so none runs twice.

    Raises:
        IncompatibleBaseModelError: if a layer keeps its weights in a form that has no gradient.
    """
    changed: list[nn.Module] = []
    try:
        # two methods may place people with one router, whose layers both bring
        layers = {layer: name for network in networks for name, layer in network.named_modules()}
        for layer, name in layers.items():
            forward = _forward_of(name, layer) or (_recomputing_forward(layer) if is_saving else None)
            if forward is not None:
                layer.forward = forward
                changed.append(layer)
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for layer in changed:
            del layer.forward


def _forward_of(name: str, layer: nn.Module) -> Forward | None:
    """What stands in for the layer's forward; None where it needs nothing."""
    if "forward" in vars(layer):
        raise IncompatibleBaseModelError(
            f"Another node has changed the layer {name} of this model, so no gradient can be taken through it; remove that "
            "node, or the guidance."
        )
    forward: Forward = layer.forward
    if isinstance(layer, nn.GroupNorm):
        return lambda x: functional.group_norm(x, layer.num_groups, *_copy_parameters(layer, x), layer.eps)
    if isinstance(layer, nn.LayerNorm):
        return lambda x: functional.layer_norm(x, layer.normalized_shape, *_copy_parameters(layer, x), layer.eps)
    transpose = _transpose_of(layer)
    if transpose is not None:
        return lambda x: _Frozen.apply(x, layer, forward, transpose)  # type: ignore[return-value]
    if next(layer.parameters(recurse=False), None) is not None:
        raise IncompatibleBaseModelError(
            f"The layer {name} of this model is a {type(layer).__name__}, through which no gradient can be taken; use a model "
            "with ordinary weights (fp32, fp16, bf16, fp8 or int8, no GGUF or TensorRT)."
        )
    return None


def _recomputing_forward(layer: nn.Module) -> Forward | None:
    """The forward of a layer that holds much for backward, without holding it."""
    if not isinstance(layer, FeedForward | ResBlock):
        return None
    forward: Forward = layer.forward

    def twice(*args: Any) -> Tensor:
        return checkpoint(forward, *args, use_reentrant=False, preserve_rng_state=False)  # type: ignore[return-value]

    return twice


def _transpose_of(layer: nn.Module) -> Project | None:
    """How gradients go back through a layer; None where its weights are packed (GGUF's have a tensor type)."""
    weight = getattr(layer, "weight", None)
    dense = isinstance(weight, Tensor) and weight.is_floating_point() and getattr(weight, "tensor_type", None) is None
    if isinstance(layer, nn.Conv2d) and dense:
        return _transposed_convolution
    if dense and (isinstance(layer, nn.Linear) or type(layer).__name__ == "Linear"):
        return _transposed_linear
    return None


def _transposed_linear(layer: nn.Module, gradient: Tensor, shape: torch.Size) -> Tensor:
    del shape
    with _weight(layer, gradient) as weight:
        back = gradient @ weight
    smoothing = getattr(layer, "pre_quant_scale", None)  # on the input of some quantised layers
    return back if smoothing is None else back * smoothing.to(back)


def _transposed_convolution(layer: nn.Module, gradient: Tensor, shape: torch.Size) -> Tensor:
    own: Any = layer
    with _weight(layer, gradient) as weight:
        return conv2d_input(list(shape), weight, gradient, own.stride, own.padding, own.dilation, own.groups)


@contextmanager
def _weight(layer: nn.Module, like: Tensor) -> Generator[Tensor, None, None]:
    """The weight that the forward pass used, in the type and on the device of a tensor."""
    with _parameters(layer, like) as (weight, _):
        scale = getattr(layer, "scale_weight", None)  # of fp8 files; 0.33.0 keeps it inside the weight
        yield weight if scale is None else weight * scale.to(weight)


@contextmanager
def _parameters(layer: nn.Module, like: Tensor) -> Generator[tuple[Tensor, Tensor | None], None, None]:
    """Weight and bias as the forward pass uses them: ComfyUI's layers cast and change theirs, torch's do not.

    What 0.33.0 has brought to the device it may use for other weights afterwards, and under dynamic loading must be told so.
    """
    own: Any = layer
    ops: Any = comfy.ops
    if not hasattr(layer, "weight_function"):
        yield own.weight, own.bias
    elif not hasattr(ops, "uncast_bias_weight"):
        yield ops.cast_bias_weight(layer, like)
    else:
        weight, bias, place = ops.cast_bias_weight(layer, like, offloadable=True)
        try:
            yield weight, bias
        finally:
            ops.uncast_bias_weight(layer, weight, bias, place)


def _copy_parameters(layer: nn.Module, like: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Weight and bias as tensors that a graph may hold."""
    if layer.weight is None:
        return None, None
    with _parameters(layer, like) as (weight, bias):
        return weight.clone(), None if bias is None else bias.clone()
