"""Reading and extending ComfyUI's options of a run, of a call of the UNet and of one of its layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from torch import Tensor

from ..sampling.conds import CondInfo
from . import keys

Options = dict[str, Any]
OPTIONS_PLACE = 5  # forward(x, timesteps, context, y, control, transformer_options)


def transformer_options(model_options: Options | None) -> Options:
    """Return the `transformer_options` of model options; empty where there are none."""
    return (model_options or {}).get(keys.TRANSFORMER_OPTIONS, {})


def with_transformer_options(model_options: Options | None, added: Options) -> Options:
    """Return model options whose `transformer_options` have more; the given ones stay as they are."""
    return {**(model_options or {}), keys.TRANSFORMER_OPTIONS: {**transformer_options(model_options), **added}}


def known_conds(options: Options) -> dict[UUID | None, CondInfo]:
    """Return what is known of the conds of a run, by their uuid; empty outside a run that is followed."""
    return options.get(keys.CONDS, {})


def uuids_of(options: Options) -> list[UUID | None]:
    """Return the uuid of every cond in the batch of a call, in batch order; one None where the caller did not say."""
    return options.get(keys.UUIDS) or [None]


def block_of(options: Options) -> tuple[str, int, int] | None:
    """Return a layer's (stage, block, transformer) in ComfyUI's numbering; None outside of a UNet's blocks."""
    block = options.get(keys.BLOCK)
    return None if block is None else (block[0], block[1], options.get(keys.TRANSFORMER, 0))


def options_of_call(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Options:
    """Return the `transformer_options` among the arguments of a call of the UNet."""
    return kwargs[keys.TRANSFORMER_OPTIONS] if keys.TRANSFORMER_OPTIONS in kwargs else args[OPTIONS_PLACE]


def context_of_call(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor | None:
    """Return the text of every row, (B, S, D), among the arguments of a call of the UNet; None where there is none."""
    return kwargs["context"] if "context" in kwargs else args[2] if len(args) > 2 else None


def with_options_of_call(
    args: Sequence[Any], kwargs: Mapping[str, Any], options: Options
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of a call of the UNet with other `transformer_options`."""
    if keys.TRANSFORMER_OPTIONS in kwargs:
        return list(args), {**kwargs, keys.TRANSFORMER_OPTIONS: options}
    return [*args[:OPTIONS_PLACE], options, *args[OPTIONS_PLACE + 1 :]], dict(kwargs)
