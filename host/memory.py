"""Adapters under ComfyUI's memory management."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import comfy.model_management
import torch
from comfy.model_patcher import ModelPatcher
from torch import nn

_in_use: ContextVar[tuple[ModelPatcher, ...]] = ContextVar("likeness.in_use", default=())


class WholePatcher(ModelPatcher):
    """Loads a network whole or not at all, and unloads it so.

    Where little memory is free, ComfyUI leaves some layers of a model on the CPU; its own layers fetch their weights as they
    run, and torch's cannot. A network for which there is no room stays on the CPU and runs there.
    """

    def partially_load(self, device_to: Any, extra_memory: float = 0, force_patch_weights: bool = False) -> int:
        """Load the network if all of it goes into as many bytes more; gives the bytes that were loaded."""
        if self.loaded_size() or self.model_size() >= extra_memory:
            return 0
        return super().partially_load(device_to, extra_memory, force_patch_weights)

    def partially_unload(self, *_: Any, **__: Any) -> int:
        """Free nothing, 0 bytes: ComfyUI then unloads the network."""
        return 0


class SmallPatcher(WholePatcher):
    """Loads a network however little is free: ComfyUI, which runs it, brings what it is given to the device without asking."""

    def partially_load(self, device_to: Any, extra_memory: float = 0, force_patch_weights: bool = False) -> int:
        """Load the network; gives the bytes that were loaded."""
        return super().partially_load(device_to, math.inf, force_patch_weights)


def manage(module: nn.Module) -> ModelPatcher:
    """Wrap a network so that ComfyUI loads and offloads it beside the other models."""
    module.eval().requires_grad_(False)
    return WholePatcher(
        module,
        load_device=comfy.model_management.get_torch_device(),
        offload_device=comfy.model_management.unet_offload_device(),
    )


def attention_dtype() -> torch.dtype:
    """The type in which adapters' attention weights are kept: half precision on a GPU, float32 on the CPU."""
    on_cpu = comfy.model_management.is_device_cpu(comfy.model_management.get_torch_device())
    return torch.float32 if on_cpu else torch.float16


def load(patcher: ModelPatcher) -> None:
    """Load a network, and push none of ours out that is in use."""
    comfy.model_management.throw_exception_if_processing_interrupted()
    comfy.model_management.load_models_gpu([patcher, *_in_use.get()])


@contextmanager
def loaded(patcher: ModelPatcher) -> Iterator[nn.Module]:
    """The network on its device, without gradients; what is loaded meanwhile leaves it there.

    Yields:
        The module that the patcher manages.
    """
    load(patcher)
    token = _in_use.set((*_in_use.get(), patcher))
    try:
        with torch.no_grad():
            yield patcher.model
    finally:
        _in_use.reset(token)
