"""The network of a MODEL itself, inside whatever another node has put around it: compiled code, as a patch or while it runs."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor, nn

from . import keys
from .options import Options, transformer_options, with_transformer_options

NETWORK = "diffusion_model"
INSIDE = "_orig_mod"  # where torch.compile keeps what it compiles
COMPILED = "torch.compile"  # the key of ComfyUI's wrapper that puts compiled code in the network's place


def network_of(model: ModelPatcher) -> Any:
    """The network of a MODEL; None where it has none.

    All clones share one network object, which holds what another clone had put in place for its last run.
    """
    try:
        return bare(model.get_model_object(NETWORK))
    except AttributeError:
        return None


def bare(network: Any) -> Any:
    """A network without the compiled code around it."""
    while (inside := getattr(network, "_modules", {}).get(INSIDE)) is not None:
        network = inside
    return network


def shape_of(network: nn.Module, key: str) -> tuple[int, ...] | None:
    """The shape of a weight as its layer multiplies with it, however it is packed; None where there is no such weight.

    Args:
        network: without compiled code around it.
        key: the weight's name inside.
    """
    path, _, name = key.rpartition(".")
    try:
        layer: Any = network.get_submodule(path)
    except AttributeError:
        return None
    tensor = getattr(layer, name, None)
    if not isinstance(tensor, Tensor):
        return None
    if name == "weight" and hasattr(layer, "in_features"):
        return layer.out_features, layer.in_features
    return tuple(tensor.shape)


def type_of(base: Any) -> torch.dtype:
    """The type of hidden states of ComfyUI's BaseModel, in which it calculates whatever its weights are kept in."""
    return base.manual_cast_dtype or base.get_dtype()


@contextmanager
def bare_network(base: Any) -> Generator[None, None, None]:
    """While it lasts, ComfyUI's BaseModel has its network itself, and its weights their own names.

    Args:
        base: whose network may be compiled.
    """
    held = base.diffusion_model
    own = bare(held)
    if own is held:
        yield
        return
    base.diffusion_model = own
    try:
        yield
    finally:
        base.diffusion_model = held


def without_compiled(model_options: Options) -> Options:
    """Model options with which the network itself runs; the given ones stay as they are."""
    wrappers = transformer_options(model_options).get(keys.WRAPPERS, {})
    of_model = wrappers.get(WrappersMP.APPLY_MODEL, {})
    if COMPILED not in of_model:
        return model_options
    rest = {key: each for key, each in of_model.items() if key != COMPILED}
    return with_transformer_options(model_options, {keys.WRAPPERS: {**wrappers, WrappersMP.APPLY_MODEL: rest}})
