"""What other packs run inside the graph of a guided pass: whether there is any, and what it takes to let it run."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from torch.autograd.graph import allow_mutation_on_saved_tensors

from ..unet import keys
from ..unet.options import transformer_options

PACK = __name__.removesuffix(".host.guidance.other_packs")


@contextmanager
def beside_others(model_options: dict[str, Any], cond: Sequence[dict[str, Any]] | None) -> Generator[None, None, None]:
    """While it lasts, code of other packs may do in a graph what it may do without; its backward pass belongs inside.

    It may write into tensors that the graph holds: FreeU V2 writes into what it has just multiplied.

    Args:
        model_options: of the run.
        cond: entries that are asked about, whose hooks bring code of their own.
    """
    with ExitStack() as stack:
        if brings_code(cond or ()) or any(not is_ours(each) for each in functions(model_options)):
            stack.enter_context(allow_mutation_on_saved_tensors())
        yield


def is_ours(function: Any) -> bool:
    """Whether a function, or an object that is called, is of this pack."""
    module = getattr(function, "__module__", None) or type(function).__module__
    return module == PACK or module.startswith(f"{PACK}.")


def brings_code(cond: Sequence[dict[str, Any]]) -> bool:
    """Whether an entry of a cond brings code that runs inside the UNet."""
    return any(entry.get(name) is not None for entry in cond for name in (keys.HOOKS, "gligen"))


def functions(model_options: dict[str, Any]) -> Iterator[Any]:
    """Everything that a MODEL has called while its UNet runs, ours and that of others."""
    options = transformer_options(model_options)
    for patches in options.get(keys.PATCHES, {}).values():
        yield from patches
    for replacements in options.get(keys.REPLACEMENTS, {}).values():
        yield from replacements.values()
    override = options.get(keys.ATTENTION_OVERRIDE)
    while override is not None:
        yield override
        override = getattr(getattr(override, "__self__", None), "previous", None)
    for wrappers in options.get(keys.WRAPPERS, {}).values():
        for each in wrappers.values():
            yield from each
    if keys.FUNCTION_WRAPPER in model_options:
        yield model_options[keys.FUNCTION_WRAPPER]
