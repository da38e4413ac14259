"""The most memory that a piece of code holds beyond what was held before, as torch's allocators count it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import accumulate
from types import TracebackType
from typing import Any

import torch
from torch import nn
from torch.autograd.profiler import profile

MIB = 2**20
MEMORY = "[memory]"  # the profiler's name of an allocation or of a release


class Peak:
    """A context that weighs what is done inside it.

    Attributes:
        bytes: the most that was held at once beyond what was held before.

    Args:
        device: where; on the CPU every allocation of torch is seen, also those inside an operation.
    """

    def __init__(self, device: torch.device) -> None:
        self.bytes = 0
        self._device = device
        self._before = 0
        self._profile = profile(profile_memory=True)

    def __enter__(self) -> Peak:
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            self._before = torch.cuda.memory_allocated(self._device)
        else:
            self._profile.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._device.type == "cuda":
            self.bytes = torch.cuda.max_memory_allocated(self._device) - self._before
        else:
            self._profile.__exit__(kind, error, trace)
            self.bytes = most_held(_changes(self._profile))


def most_held(changes: Iterable[int]) -> int:
    """The most that is held at once, bytes.

    Args:
        changes: of what is held, one after another: what is allocated is above 0, what is given back below.
    """
    return max(accumulate(changes, initial=0))


@contextmanager
def peaks_of(modules: Iterable[nn.Module]) -> Iterator[dict[nn.Module, int]]:
    """Weigh every call of some modules, none of which is inside another.

    Yields:
        By module, the most bytes that one of its calls held beyond what was held before it; filled as they are called.
    """
    found: dict[nn.Module, int] = {}
    open_peaks: dict[nn.Module, Peak] = {}

    def start(module: nn.Module, _: Any) -> None:
        open_peaks[module] = Peak(next(module.parameters()).device).__enter__()

    def stop(module: nn.Module, *_: Any) -> None:
        peak = open_peaks.pop(module)
        peak.__exit__(None, None, None)
        found[module] = max(found.get(module, 0), peak.bytes)

    with ExitStack() as hooks:
        for module in modules:
            hooks.callback(module.register_forward_pre_hook(start).remove)
            hooks.callback(module.register_forward_hook(stop).remove)
        yield found


def _changes(profiled: Any) -> list[int]:
    events = [event for event in profiled.kineto_results.events() if event.name() == MEMORY]
    return [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
