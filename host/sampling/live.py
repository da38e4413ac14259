"""What a page that listens is told while a run goes on: who stands where, and how alike faces have become."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...models.port.attention import Run
from ...models.records.guidance import GuidanceRecord
from ...models.records.packed import bits_of_winner, pack
from ...models.records.pages import page_curves, page_people, step_of
from ...models.records.placements import PlacementRecord
from ..events import Channel, open_channel
from ..unet import keys

ROUTING_EVENT, GUIDANCE_EVENT = "likeness.routing", "likeness.guidance"
PAUSE = 0.25  # seconds between two messages of a kind, at least
MOST_CELLS = 64  # places on the longer side of what is sent


@dataclass(eq=False, slots=True, kw_only=True)
class LiveRun:
    """One run that a page is told of.

    Nothing of it waits for the device: what is told is reduced there to a byte for every place, and read once its copy has arrived.

    Attributes:
        channel: to the page.
        levels: noise levels of the run, one more than there are steps.
        placements, guidance: what is recorded.
        clock: gives seconds.
        said: when something was told last.
        step: the last step that was told of, from 1.
        shown: the noise level whose placement was told last.
        told: how many similarities were.
    """

    channel: Channel
    levels: Sequence[float]
    placements: PlacementRecord | None = None
    guidance: GuidanceRecord | None = None
    clock: Callable[[], float] = time.monotonic
    said: float = field(default=-PAUSE)
    step: int = 0
    shown: float | None = None
    told: int = 0

    def tell(self) -> None:
        """Tell of the evaluation that has just ended, unless that was done a moment ago."""
        now = self.clock()
        if now - self.said < PAUSE or not self.channel.is_open:
            return
        is_said = self._tell_routing()
        if self._tell_guidance() or is_said:
            self.said = now

    def _tell_routing(self) -> bool:
        record = self.placements
        if record is None or record.current is None or record.current == self.shown:
            return False
        latest = record.latest()
        if latest is None:
            return False
        names, maps = latest
        self.shown = record.current
        copy = Copy.of(pack(maps, MOST_CELLS))
        about = {**self._where(record.current), "bits": bits_of_winner(len(names)), "people": page_people(names)}
        self.channel.send(ROUTING_EVENT, copy.is_there, partial(_routing, about, copy))
        return True

    def _tell_guidance(self) -> bool:
        record = self.guidance
        if record is None or len(record.entries) + record.skipped == self.told:
            return False
        self.told = len(record.entries) + record.skipped
        sigma = record.entries[-1].sigma if record.entries else self.levels[0]
        said = {**page_curves(record), **self._where(sigma)}
        self.channel.send(GUIDANCE_EVENT, lambda: True, lambda: said)
        return True

    def _where(self, sigma: float) -> dict[str, Any]:
        self.step = max(self.step, step_of(sigma, self.levels))  # samplers put noise back in now and then
        return {"step": self.step, "steps": len(self.levels) - 1}


@dataclass(frozen=True, eq=False, slots=True)
class Copy:
    """A small tensor on its way to the CPU.

    Attributes:
        tensor: to be read once it is there.
        arrival: of the device; None where it is there already.
    """

    tensor: Tensor
    arrival: torch.cuda.Event | None = None

    @classmethod
    def of(cls, tensor: Tensor) -> Copy:
        """Begin to copy; only CUDA's copies can be waited for without a stop."""
        if tensor.device.type != "cuda":
            return cls(tensor.cpu())
        copied = tensor.to("cpu", non_blocking=True)
        arrival = torch.cuda.Event()
        arrival.record(torch.cuda.current_stream(tensor.device))
        return cls(copied, arrival)

    def is_there(self) -> bool:
        """Whether it may be read."""
        return self.arrival is None or self.arrival.query()


def _routing(about: dict[str, Any], copy: Copy) -> dict[str, Any]:
    data = base64.b64encode(copy.tensor.numpy().tobytes()).decode()
    return {**about, "grid": list(copy.tensor.shape), "data": data}


@contextmanager
def told(
    run: Run,
    levels: Sequence[float],
    placements: PlacementRecord | None,
    guidance: GuidanceRecord | None,
    nodes: Sequence[str],
) -> Generator[None, None, None]:
    """While a run lasts, tell the page of it, if one listens; of a run that fails or is stopped nothing more is told.

    Args:
        run: that begins.
        levels: see `LiveRun`.
        placements, guidance: what is recorded; None where nothing is.
        nodes: classes of the nodes that show runs.
    """
    channel = None if placements is None and guidance is None else open_channel(*nodes)
    if channel is None:
        yield
        return
    run.memo[keys.LIVE] = LiveRun(channel=channel, levels=levels, placements=placements, guidance=guidance)
    try:
        yield
    except BaseException:
        channel.is_cancelled = True
        raise


def tell(run: Run | None) -> None:
    """Tell the page that listens to a run, if there is one, of the evaluation that has just ended."""
    live: LiveRun | None = None if run is None else run.memo.get(keys.LIVE)
    if live is not None:
        live.tell()
