"""Residuals inside compiled code: one operation that torch does not look into, so that nothing of a run is frozen in a trace.

A trace keeps the Python values that it met, and ComfyUI 0.33.0's node leaves out every guard on `transformer_options`. So nothing that
a run, its people or a step decide may be read while a network is traced: it is looked up as the operation runs. A trace that was made
with other people, with more or fewer injections, or is run with none of them, does what the call at hand asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from .network import COMPILED, bare

Residual = Callable[[Tensor, Tensor, Tensor, tuple[Tensor, Tensor], int], Tensor | None]

_LIBRARY = torch.library.Library("likeness", "FRAGMENT")
_LIBRARY.define(
    "residual(Tensor query, Tensor hidden, Tensor base, Tensor keys, Tensor values, int site) -> Tensor",
    tags=(torch.Tag.cudagraph_unsafe,) if hasattr(torch.Tag, "cudagraph_unsafe") else (),
)
_running: list[Residual] = []


@contextmanager
def running(asked: Residual) -> Generator[None, None, None]:
    """While it lasts, the operation asks this residual beside those that run already.

    Args:
        asked: from query, hidden states, base, keys and values of the text and the layer's index to what is added; None where it adds
            nothing, or has been asked in this call.
    """
    _running.append(asked)
    try:
        yield
    finally:
        _running.remove(asked)


def residual(query: Tensor, hidden: Tensor, base: Tensor, text: tuple[Tensor, Tensor], site: int) -> Tensor:
    """What is added at a layer, (B, L, C), asked for as the compiled code runs.

    Args:
        query, hidden, base: see `AttentionCall`.
        text: keys and values of the layer's text.
        site: index of the layer.
    """
    return torch.ops.likeness.residual(query, hidden, base, *text, site)


def is_compiled(wrappers: Mapping[str, Any], network: Any) -> bool:
    """Whether a network runs compiled.

    Args:
        wrappers: of a run; ComfyUI's own node puts compiled code in place by one of them.
        network: that of the model, which another node may have put into compiled code.
    """
    return COMPILED in wrappers.get(WrappersMP.APPLY_MODEL, {}) or bare(network) is not network


def _run(query: Tensor, hidden: Tensor, base: Tensor, text_keys: Tensor, values: Tensor, site: int) -> Tensor:
    found = (asked(query, hidden, base, (text_keys, values), site) for asked in _running)
    given = [added for added in found if added is not None]
    return sum(given[1:], given[0]) if given else torch.zeros_like(query)


def _shape(query: Tensor, *rest: Any) -> Tensor:
    del rest
    return torch.empty_like(query)


_LIBRARY.impl("residual", _run, "CompositeExplicitAutograd")
torch.library.register_fake("likeness::residual", _shape, lib=_LIBRARY)
