"""Where the figures of a card are taken: a CUDA device, or the CPU in its place so that everything else can be tried out."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any, Protocol

import torch

from .operations import count_operations


class Card(Protocol):
    """A device with a clock and a count of what it is told to do.

    Attributes:
        device: as torch knows it.
        name: printed.
        dtype: in which UNets run there.
    """

    device: torch.device
    name: str
    dtype: torch.dtype

    def clock(self) -> float:
        """Seconds since some moment; whatever was asked before is done."""
        ...

    def launches(self, call: Callable[[], object]) -> int:
        """How much a call launches."""
        ...


class CUDACard:
    """A CUDA device, timed by its own events."""

    def __init__(self) -> None:
        self.device = torch.device("cuda", torch.cuda.current_device())
        self.name = torch.cuda.get_device_name(self.device)
        self.dtype = torch.float16
        self._seconds = 0.0
        self._last = self._event()

    def clock(self) -> float:
        """Seconds since the first event, added up, for a single distance is kept with seven digits."""
        event = self._event()
        torch.cuda.synchronize(self.device)
        self._seconds += self._last.elapsed_time(event) / 1000
        self._last = event
        return self._seconds

    def launches(self, call: Callable[[], object]) -> int:
        """Kernels of a call, copies and fills included."""
        from torch.profiler import ProfilerActivity, profile

        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
            call()
            torch.cuda.synchronize(self.device)
        return sum(event.device_type.name == "CUDA" for event in seen.events() or ())

    def _event(self) -> Any:
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event


class CPUInPlace:
    """The CPU: its clock, and operations in the place of kernels."""

    device = torch.device("cpu")
    name = "the CPU in a card's place"
    dtype = torch.float32

    def clock(self) -> float:
        """Seconds."""
        return perf_counter()

    def launches(self, call: Callable[[], object]) -> int:
        """Operations of a call that do more than look at a tensor in another way."""
        return count_operations(call).total()
