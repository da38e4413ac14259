"""Weights of a MODEL's UNet in place of its own: ordinary weight patches, which ComfyUI takes off again bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import comfy.utils
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ...models.errors import IncompatibleBaseModelError
from .network import bare_network, shape_of
from .sites import find_sites, unet_of

PLACE = "diffusion_model."
MOST_NAMED = 4


def replace_keys_and_values(model: ModelPatcher, attention: nn.ModuleDict) -> None:
    """Let cross-attention layers of a clone make keys and values with other weights.

    Args:
        model: the clone; its weights are patched when ComfyUI loads it.
        attention: a KeyValueProjection by site index, as a string.

    Raises:
        IncompatibleBaseModelError: if a layer is missing in the model or has another width.
    """
    with bare_network(model.model):
        paths = {str(site.index): site.path for site in find_sites(unet_of(model))}
        weights = {
            f"{paths.get(index)}.{key}": tensor
            for index, layer in attention.items()
            for key, tensor in layer.state_dict().items()
        }
        _replace(model, weights)


def replace_unet(model: ModelPatcher, weights: Mapping[str, Tensor]) -> None:
    """Put a whole UNet in place of a clone's.

    Args:
        model: the clone; its weights are patched when ComfyUI loads it.
        weights: under the names of diffusers.

    Raises:
        IncompatibleBaseModelError: if they are those of another architecture.
    """
    config: Any = model.model.model_config
    names = comfy.utils.unet_to_diffusers(config.unet_config)
    unknown = [name for name in weights if name not in names]
    with bare_network(model.model):
        own = unet_of(model).state_dict()
        missing = [name for name, key in names.items() if key in own and name not in weights]
        if unknown or missing:
            raise IncompatibleBaseModelError(
                f"The file holds a whole UNet that does not fit this model: {len(missing)} weights are missing "
                f"({_first(missing)}) and {len(unknown)} unknown ({_first(unknown)}); connect a checkpoint of the architecture that it "
                "was trained for."
            )
        _replace(model, {names[name]: tensor for name, tensor in weights.items()})


def _replace(model: ModelPatcher, weights: Mapping[str, Tensor]) -> None:
    unet = unet_of(model)
    for key, tensor in weights.items():
        found = shape_of(unet, key)
        if found != tuple(tensor.shape):
            raise IncompatibleBaseModelError(
                f"The file's {key} is {tuple(tensor.shape)}, and this model has {found or 'no such weight'}; connect a checkpoint of "
                "the architecture that the file was trained for."
            )
    model.add_patches({f"{PLACE}{key}": ("set", (tensor,)) for key, tensor in weights.items()})


def _first(names: list[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) or "none"
