"""What other packs run inside the graph of a guided pass: whether there is any, and what it takes to let it run."""

from __future__ import annotations

import re
import traceback
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from weakref import ref

import torch
from comfy.patcher_extension import WrappersMP
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from ...models.errors import LikenessError
from ..unet import keys
from ..unet.options import transformer_options

PACK = __name__.removesuffix(".host.guidance.other_packs")
FOLDERS = r"[/\\]"  # ComfyUI names a pack's module by the path of its folder
SIGNS = ("nference tensor", "modified by an inplace operation", "being modified inplace", "modified inplace")


@contextmanager
def beside_others(model_options: dict[str, Any], cond: Sequence[dict[str, Any]] | None) -> Generator[None, None, None]:
    """While it lasts, code of other packs may do in a graph what it may do without; its backward pass belongs inside.

    It may write into tensors that the graph holds (FreeU V2 writes into what it has just multiplied), and calculate with
    weights that were made in inference mode, as those of a hypernetwork are: these are constants of the graph.

    Args:
        model_options: of the run.
        cond: entries that are asked about, whose hooks bring code of their own.

    Raises:
        LikenessError: if it does what no graph allows all the same.
    """
    with ExitStack() as stack, _explained():
        if brings_code(cond or ()) or any(not is_ours(each) for each in functions(model_options)):
            stack.enter_context(copied_before_writing())
            stack.enter_context(_Constants())
        yield


class _Constants(TorchFunctionMode):
    """Where hidden states with a gradient meet tensors of inference mode, copies of these take part."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function of torch."""
        given = [*_tensors(args), *_tensors((kwargs or {}).values())]
        has_gradient = any(each.requires_grad and not each.is_inference() for each in given)
        if has_gradient and torch.is_grad_enabled() and any(each.is_inference() for each in given):
            start = 1 if _writes(func) else 0  # a copy that is written into would be lost
            args = (*args[:start], *(_constant(each) for each in args[start:]))
            kwargs = {name: value if name == "out" else _constant(value) for name, value in (kwargs or {}).items()}
        return func(*args, **(kwargs or {}))


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    """The tensors among some arguments, and in lists that are arguments."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from (each for each in value if isinstance(each, Tensor))


def _constant(value: Any) -> Any:
    """The argument, with copies of tensors that were made in inference mode."""
    if isinstance(value, Tensor) and value.is_inference():
        return value.detach().clone()
    if type(value) in (list, tuple):
        return type(value)(_constant(each) for each in value)
    return value


def _writes(func: Any) -> bool:
    """Whether a function of torch writes into its first argument, by torch's rules of naming."""
    name = getattr(func, "__name__", "")
    if name.startswith("__"):
        return name in {"__setitem__", "__set__"} or name.startswith("__i")
    return name.endswith("_")


@contextmanager
def _explained() -> Generator[None, None, None]:
    """Say what torch's errors mean that other packs' code meets in a graph alone."""
    try:
        yield
    except RuntimeError as error:
        if not any(sign in str(error) for sign in SIGNS):
            raise
        raise LikenessError(
            f"{_culprit(error)} works on the model's hidden states in a way through which no gradient can be taken; bypass "
            "that node, or the guidance."
        ) from error


def _culprit(error: Exception) -> str:
    """The innermost code of another pack that an error came through."""
    found = "Another node"
    for frame, _ in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        if module.split(".")[0] not in ("comfy", "torch") and not _is_of_pack(module):
            found = f"The node of {re.split(FOLDERS, module)[-1]} ({frame.f_code.co_name})"
    return found


def is_ours(function: Any) -> bool:
    """Whether a function, or an object that is called, is of this pack."""
    return _is_of_pack(getattr(function, "__module__", None) or type(function).__module__)


def _is_of_pack(module: str) -> bool:
    return module == PACK or module.startswith(f"{PACK}.")


def brings_code(cond: Sequence[dict[str, Any]]) -> bool:
    """Whether an entry of a cond brings code that runs inside the UNet."""
    return any(entry.get(name) is not None for entry in cond for name in (keys.HOOKS, "gligen"))


def functions(model_options: dict[str, Any]) -> Iterator[Any]:
    """Everything that a MODEL has called while its UNet runs, ours and that of others."""
    yield from in_layers(model_options)
    yield from _wrappers(model_options, transformer_options(model_options).get(keys.WRAPPERS, {}))


def in_layers(model_options: dict[str, Any]) -> Iterator[Any]:
    """What runs in layers and blocks of the UNet."""
    options = transformer_options(model_options)
    for patches in options.get(keys.PATCHES, {}).values():
        yield from patches
    for replacements in options.get(keys.REPLACEMENTS, {}).values():
        yield from replacements.values()
    override = options.get(keys.ATTENTION_OVERRIDE)
    while override is not None:
        yield override
        override = getattr(getattr(override, "__self__", None), "previous", None)


def around_network(model_options: dict[str, Any]) -> Iterator[Any]:
    """What is called in place of the whole UNet."""
    yield from _wrappers(model_options, (WrappersMP.APPLY_MODEL, WrappersMP.DIFFUSION_MODEL))


def _wrappers(model_options: dict[str, Any], kinds: Iterable[str]) -> Iterator[Any]:
    """Wrappers of some kinds, and the one function that ComfyUI has for it besides."""
    wrappers = transformer_options(model_options).get(keys.WRAPPERS, {})
    for kind in kinds:
        for each in wrappers.get(kind, {}).values():
            yield from each
    if keys.FUNCTION_WRAPPER in model_options:
        yield model_options[keys.FUNCTION_WRAPPER]


class _Saved:
    """A tensor that a graph holds; a copy of it once it has been written into."""

    __slots__ = ("__weakref__", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class _CopyBeforeWriting(TorchDispatchMode):
    """Looks at every operation, and copies what it is about to write into where a graph holds it."""

    def __init__(self) -> None:
        super().__init__()
        # Nothing that lies here and lives has lost its memory, so no address stands for two.
        self._held: defaultdict[int, list[ref[_Saved]]] = defaultdict(list)

    def hold(self, tensor: Tensor) -> _Saved:
        """Take a tensor for a graph."""
        saved = _Saved(tensor)
        self._held[_address(tensor)].append(ref(saved))
        return saved

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation."""
        given = kwargs or {}
        if func._schema.is_mutable:
            for place, argument in enumerate(func._schema.arguments):
                if argument.alias_info is not None and argument.alias_info.is_write:
                    value = args[place] if place < len(args) else given.get(argument.name)
                    for each in value if isinstance(value, list | tuple) else (value,):
                        if isinstance(each, Tensor):
                            self._copy(each)
        return func(*args, **given)

    def _copy(self, written: Tensor) -> None:
        for each in self._held.pop(_address(written), ()):
            saved = each()
            if saved is not None:
                saved.tensor = saved.tensor.clone()


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


@contextmanager
def copied_before_writing() -> Generator[None, None, None]:
    """While it lasts, graphs keep what they hold whoever writes into it; backward passes belong inside."""
    mode = _CopyBeforeWriting()
    with saved_tensors_hooks(mode.hold, lambda saved: saved.tensor), mode:
        yield
