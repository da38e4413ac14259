"""Residuals inside compiled code: one operation that torch does not look into, so that nothing of a run is frozen in a trace.

A trace keeps the Python values that it met, and ComfyUI 0.33.0's node leaves out every guard on `transformer_options`. So nothing that
a run, its people or a step decide may be read while a network is traced: it is looked up as the operation runs. A trace that was made
with other people, with more or fewer injections, or is run with none of them, does what the call at hand asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from . import keys
from .network import COMPILED, bare
from .options import options_of_call, with_options_of_call

TEXT_PLACE = 3  # apply_model(x, t, c_concat, c_crossattn, control, transformer_options)

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


def run_compiled(executor: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Wrapper around ComfyUI's BaseModel: where its network is compiled, the state of a call is made before the trace begins.

    Where the words of people are read in its layers, it runs as it is: what is read has no place in a trace.
    """
    base = executor.class_obj  # type: ignore[attr-defined]
    options = options_of_call(args, kwargs)
    wrappers = options.get(keys.WRAPPERS, {})
    if not _is_compiled(wrappers, base.diffusion_model):
        return executor(*args, **kwargs)
    of_network = wrappers.get(WrappersMP.DIFFUSION_MODEL, {})
    if any(key.startswith(keys.READING) for key in of_network):
        with torch.compiler.set_stance("force_eager"):
            return executor(*args, **kwargs)
    ours = [key for key in of_network if key.startswith(keys.INJECTION)]
    rest = {key: each for key, each in of_network.items() if key not in ours}
    options = {**options, keys.WRAPPERS: {**wrappers, WrappersMP.DIFFUSION_MODEL: rest}}
    network, x = bare(base.diffusion_model), base.model_sampling.calculate_input(args[1], args[0])
    context = kwargs[keys.TEXT] if keys.TEXT in kwargs else args[TEXT_PLACE]
    with ExitStack() as stack:
        for key in ours:
            for wrapper in of_network[key]:
                options = stack.enter_context(wrapper.__self__.called(network, x, context, options))
        positional, named = with_options_of_call(args, kwargs, options)
        return executor(*positional, **named, **{keys.STRUCTURE: " ".join(ours)})


def _is_compiled(wrappers: Mapping[str, Any], network: Any) -> bool:
    """Whether a network runs compiled: put in place by ComfyUI's own node, or by another one."""
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
