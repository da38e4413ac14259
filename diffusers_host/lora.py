"""LoRA as a branch beside a layer, for diffusers' UNet2DConditionModel: no weight is touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import linear

from ..models.errors import IncompatibleBaseModelError
from ..models.port.attention import AttentionSite

LoRA = Mapping[int, Mapping[str, tuple[Tensor, Tensor]]]  # site index → q, k, v or out → (down, up)
PROJECTIONS = {"q": "to_q", "k": "to_k", "v": "to_v", "out": "to_out.0"}


def branches_of(unet: nn.Module, sites: Sequence[AttentionSite], lora: LoRA) -> dict[nn.Module, tuple[Tensor, Tensor]]:
    """The linear layers that get a LoRA branch, with their matrices (down, up) on the layer's device and in its type.

    Args:
        unet: a UNet2DConditionModel.
        sites: its attention layers.
        lora: matrices by layer; those that require gradients are handed on as they are.

    Raises:
        IncompatibleBaseModelError: if the UNet has no such layer, or one of another size.
    """
    paths, parameters = {site.index: site.path for site in sites}, dict(unet.named_parameters())
    branches: dict[nn.Module, tuple[Tensor, Tensor]] = {}
    for index, projections in lora.items():
        for projection, (down, up) in projections.items():
            path = f"{paths[index]}.{PROJECTIONS[projection]}.weight" if index in paths else ""
            weight = parameters.get(path)
            wanted, shape = (up.shape[0], down.shape[1]), None if weight is None else tuple(weight.shape)
            if weight is None or shape != wanted:
                raise IncompatibleBaseModelError(
                    f"The LoRA for attention layer {index} needs a weight of {wanted[0]}×{wanted[1]}, this UNet has "
                    f"{'×'.join(map(str, shape)) if shape else 'no such layer'}; give the UNet of the architecture that "
                    "the adapter was trained for."
                )
            down, up = (matrix if matrix.requires_grad else matrix.to(weight) for matrix in (down, up))
            branches[unet.get_submodule(path.removesuffix(".weight"))] = (down, up)
    return branches


def lora_hook(down: Tensor, up: Tensor, strength: float) -> Callable[[nn.Module, tuple[Any, ...], Tensor], Tensor]:
    """Return a forward hook that adds `strength · up · down · x` to a linear layer's output."""

    def add(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        x = args[0]
        return output + strength * linear(linear(x, down.to(x)), up.to(x))

    return add
