"""Keys and values of their own in place of those that a UNet makes of its context, taken off again without a trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from torch import Tensor, nn

from ..models.adapters.decoupled_cross_attention import KeyValueProjection
from ..models.adapters.weights import key_shape
from ..models.errors import IncompatibleBaseModelError
from .attention import find_sites


def replace_key_values(unet: nn.Module, attention: nn.ModuleDict) -> Callable[[], None]:
    """Let projections stand in for the `to_k` and `to_v` of cross-attention layers, by hooks, as `attach` adds residuals.

    Gradients reach the projections, also under gradient checkpointing. A LoRA branch on the same layers, attached afterwards,
    is added to what stands in.

    Args:
        unet: a UNet2DConditionModel; its weights are not changed.
        attention: a KeyValueProjection by the index of its site, as a string; on the UNet's device, of any type. Layers that are
            not in it keep their own.

    Returns:
        A callable that takes everything off again, leaving the UNet bit-identical; calling it twice does no harm.

    Raises:
        IncompatibleBaseModelError: if the UNet has no such layers, or they have other widths.
    """
    paths = {site.index: site.path for site in find_sites(unet) if site.kind == "cross"}
    layers: dict[nn.Module, nn.Linear] = {}
    for index, module in attention.items():
        own, wanted = _own(unet, paths.get(int(index))), key_shape(attention, int(index))
        shape = None if own is None else (own[0].out_features, own[0].in_features)
        if own is None or shape != wanted:
            raise IncompatibleBaseModelError(
                f"The keys and values for attention layer {index} are of {wanted[0]}×{wanted[1]}, this UNet has "
                f"{'×'.join(map(str, shape)) if shape else 'no such cross-attention layer'}; give the UNet of the architecture "
                "that they were trained for."
            )
        projection = cast(KeyValueProjection, module)
        layers |= dict(zip(own, (projection.to_k, projection.to_v), strict=True))
    handles = [layer.register_forward_hook(_instead(linear)) for layer, linear in layers.items()]

    def restore() -> None:
        for handle in handles:
            handle.remove()

    return restore


def _own(unet: nn.Module, path: str | None) -> tuple[nn.Linear, nn.Linear] | None:
    """The UNet's own projections to keys and to values."""
    if path is None:
        return None
    layer: Any = unet.get_submodule(path)
    return layer.to_k, layer.to_v


def _instead(linear: nn.Linear) -> Callable[[nn.Module, tuple[Any, ...], Tensor], Tensor]:
    def answer(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        context = args[0]
        return linear(context.to(linear.weight.dtype)).to(output.dtype)

    return answer
