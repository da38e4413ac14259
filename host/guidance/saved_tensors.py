"""Tensors that a graph holds and other packs write into: copied just before they are.

As `torch.autograd.graph.allow_mutation_on_saved_tensors`, which tells tensors apart by addresses that are used again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from weakref import ref

from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode


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
