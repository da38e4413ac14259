"""Adapters under ComfyUI's memory management."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import comfy.model_management
import torch
from comfy.model_patcher import ModelPatcher
from torch import nn


def manage(module: nn.Module) -> ModelPatcher:
    """Wrap a network so that ComfyUI loads and offloads it beside the other models."""
    module.eval().requires_grad_(False)
    return ModelPatcher(
        module,
        load_device=comfy.model_management.get_torch_device(),
        offload_device=comfy.model_management.unet_offload_device(),
    )


def attention_dtype() -> torch.dtype:
    """The type in which adapters' attention weights are kept: half precision on a GPU, float32 on the CPU."""
    on_cpu = comfy.model_management.is_device_cpu(comfy.model_management.get_torch_device())
    return torch.float32 if on_cpu else torch.float16


@contextmanager
def loaded(patcher: ModelPatcher) -> Iterator[nn.Module]:
    """The network on its device, without gradients.

    Yields:
        The module that the patcher manages.
    """
    comfy.model_management.throw_exception_if_processing_interrupted()
    comfy.model_management.load_models_gpu([patcher])
    with torch.no_grad():
        yield patcher.model
