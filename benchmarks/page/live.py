"""What it costs that a page is told of a run: time of a step, with and without a page that listens, and bytes of a message.

Usage: PYTHON_OF_A_COMFYUI -m likeness.benchmarks.page.live [--rounds 12] [--steps 8] [--size 256] [--device cpu]

Whole runs of Euler's sampler with two people whom the router places, through all of ComfyUI's sampling: the miniature at 128 x 128, and
SD1.5 of full size with random weights. Every round draws each form once, in random order; each duration is divided by that of the run of
its own round which takes the same notes and tells nobody. Durations are processor seconds of all threads on the CPU, so that others on the
machine do not count, and wall time with a card. "told" is what a page gets, at most four messages a second; "told of every step" is the
most that could be. Messages are made into JSON in a thread of their own, as ComfyUI's server does it. A message is timed by itself too,
in the thread that samples: at four a second that bounds what a run pays, however long its steps are.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter, process_time, thread_time
from types import SimpleNamespace
from typing import Any

import torch
from likeness.tests.people import crowd
from likeness.tools.weights.layouts import SD15

from ..comfy_process import TEXT_TOKENS, comfyui, parser
from ..paired_ratios import compare, measure
from ..random_models import config_of, new_model, people

NOTED, TOLD, EVERY = "noted, nobody is told", "told", "told of every step"
MOST = 2.0  # per cent of a step that telling may cost
PAGE = "page"


class Page:
    """Stands for the server and a page that is connected: a loop in a thread that makes messages into JSON and weighs them.

    Attributes:
        sockets: as the server has them.
        bytes: of every message.
        seconds: that the sampling thread spent on each.
        loop: runs in a thread.
    """

    def __init__(self) -> None:
        self.sockets = {PAGE: None}
        self.bytes: list[int] = []
        self.seconds: list[float] = []
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def send_sync(self, event: str, data: Mapping[str, Any], client: str) -> None:
        """Weigh a message."""
        del client
        self.bytes.append(len(json.dumps({"type": event, "data": data})))


def main() -> None:
    """Print a table for each model."""
    arguments = parser(__doc__)
    arguments.add_argument("--rounds", type=int, default=12)
    arguments.add_argument("--steps", type=int, default=8)
    arguments.add_argument("--size", type=int, default=256, help="side of SD1.5's picture, pixels")
    arguments.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    is_on_cpu = given.device == "cpu"
    with comfyui(given.comfyui, on_cpu=is_on_cpu) as (_, version):
        print(
            f"ComfyUI {version}, torch {torch.__version__}, {given.device}, {given.rounds} rounds of {given.steps} steps"
        )
        device, dtype = torch.device(given.device), torch.float32 if is_on_cpu else torch.float16
        report("miniature, 128 x 128", miniature(), 128, given.steps, given.rounds, given.seed)
        full = people(new_model(config_of(SD15), dtype, device), 2, "router", 16)
        report(f"SD1.5, {given.size} x {given.size}", full, given.size, given.steps, given.rounds, given.seed)


def miniature() -> Any:
    """The miniature's MODEL with two people."""
    from likeness.host.miniature import load_miniature
    from likeness.host.uniportrait.application import apply

    loaded = load_miniature()
    return apply(loaded.model, loaded.uniportrait, crowd(2), structure_scale=0.3, lora_strength=1.0).model


def report(title: str, model: Any, side: int, steps: int, rounds: int, seed: int) -> None:
    """Print how long runs take beside the one that tells nobody, and what a message weighs."""
    pages = {TOLD: Page(), EVERY: Page()}
    draw = drawing(model, side, steps)
    calls: dict[str, Callable[[], object]] = {
        NOTED: lambda: telling(None, 0.25, draw),
        TOLD: lambda: telling(pages[TOLD], 0.25, draw),
        EVERY: lambda: telling(pages[EVERY], 0.0, draw),
    }
    seconds = measure(calls, rounds, 1, seed, process_time if model.load_device.type == "cpu" else perf_counter)
    plain = seconds[NOTED]
    print(f"\n{title}: {1000 * statistics.median(plain) / steps:.1f} ms a step ({NOTED})")
    for name, page in pages.items():
        ratio = compare(seconds[name], plain, seed)
        is_met = 100 * (ratio.median - 1) <= MOST
        verdict = f"  at most {MOST:+.0f} %: {'met' if is_met else 'MISSED'}" if name == TOLD else ""
        weight = f"{len(page.bytes) / (rounds + 1):.1f} messages a run of {statistics.median(page.bytes):.0f} bytes"
        spent = statistics.median(page.seconds)
        print(f"  {name:<20} {ratio}{verdict}; {weight}")
        print(f"  {'':<20} a message takes {1000 * spent:.2f} ms, four in a second {400 * spent:.2f} %", flush=True)


def telling(page: Page | None, pause: float, draw: Callable[[], object]) -> object:
    """Draw while a page listens; None tells nobody."""
    from likeness.host.events import Channel
    from likeness.host.sampling import live

    def way(*_: str) -> Channel | None:
        return None if page is None else Channel(page, PAGE, "prompt", "3", ("9",))

    tell = live.LiveRun.tell

    def timed(run: Any) -> None:
        start, said = thread_time(), run.said
        tell(run)
        if page is not None and run.said != said:
            page.seconds.append(thread_time() - start)

    with replaced(live, "open_channel", way), replaced(live, "PAUSE", pause), replaced(live.LiveRun, "tell", timed):
        return draw()


@contextmanager
def replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    """While it lasts, something else stands for a name of a module."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def drawing(model: Any, side: int, steps: int) -> Callable[[], object]:
    """A whole run, by which everything is noted that Show Routing Map shows."""
    from comfy import sample

    config = SimpleNamespace(**model.model.model_config.unet_config)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, config.in_channels, side // 8, side // 8, generator=generator)
    positive, negative = (
        [[torch.randn(1, TEXT_TOKENS, config.context_dim, generator=generator), {"pooled_output": None}]] for _ in "pn"
    )
    settings: dict[str, Any] = {"denoise": 1.0, "disable_pbar": True, "seed": 0}
    latent = torch.zeros_like(noise)
    return lambda: sample.sample(model, noise, steps, 7.0, "euler", "normal", positive, negative, latent, **settings)


if __name__ == "__main__":
    main()
