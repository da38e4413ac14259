"""An adapter's LoRA as weight patches of the MODEL."""

from __future__ import annotations

import comfy.lora
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...models.errors import IncompatibleBaseModelError
from .network import bare_network, shape_of
from .sites import find_sites, unet_of

PROJECTIONS = {"q": "to_q", "k": "to_k", "v": "to_v", "out": "to_out.0"}


def add_lora(model: ModelPatcher, lora: dict[int, dict[str, tuple[Tensor, Tensor]]], strength: float) -> None:
    """Add W += strength · up @ down to attention layers of a clone.

    Args:
        model: the clone; its weights are patched when ComfyUI loads it.
        lora: site index → q, k, v or out → (down (rank, in), up (C, rank)).
        strength: factor; 1 is what the adapter was trained with.

    Raises:
        IncompatibleBaseModelError: if a layer is missing in the model or has another width.
    """
    with bare_network(model.model):  # whose weights have other names inside compiled code
        _add(model, lora, strength)


def _add(model: ModelPatcher, lora: dict[int, dict[str, tuple[Tensor, Tensor]]], strength: float) -> None:
    unet = unet_of(model)
    paths = {site.index: site.path for site in find_sites(unet)}
    weights: dict[str, Tensor] = {}
    targets: dict[str, str] = {}
    for index, projections in lora.items():
        for projection, (down, up) in projections.items():
            name = f"{index}.{projection}"
            key = f"{paths.get(index)}.{PROJECTIONS[projection]}.weight"
            weights[f"{name}.lora_down.weight"], weights[f"{name}.lora_up.weight"] = down, up
            targets[name] = f"diffusion_model.{key}"
            _require_fit(shape_of(unet, key), index, (up.shape[0], down.shape[1]))
    model.add_patches(comfy.lora.load_lora(weights, targets), strength)


def _require_fit(shape: tuple[int, ...] | None, index: int, wanted: tuple[int, int]) -> None:
    if shape != wanted:
        raise IncompatibleBaseModelError(
            f"The adapter's LoRA for attention layer {index} needs a weight of {wanted[0]}×{wanted[1]}, this model has "
            f"{'×'.join(map(str, shape or ())) or 'no such layer'}; connect a checkpoint of the architecture that the "
            "adapter was trained for."
        )
