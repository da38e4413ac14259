"""What a training step costs on a full-size SD1.5, batch 1, float32: our methods against plain LoRA of the same rank.

Usage: PYTHON -m likeness.benchmarks.training.steps [--measure flop memory speed] [--sizes 256 512] [--rounds 10]

Any interpreter with the trainer's packages will do; CUDA is used where there is one. Everything is measured with and
without gradient checkpointing. FLOP are counted on the meta device. Memory is the peak of two steps, each way to train in
a process of its own. For the speed, every round times one step of each way to train, in random order, and plain LoRA's
duration is divided by the others' of its own round. Stage II sees two people. FaceStudio's full form, which needs memory for
another three UNets, is measured where `--methods` names it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

import torch
from likeness.training.uniportrait.config import StageOneConfig

from ..comfy_process import META, flops
from ..paired_ratios import Ratio, compare, measure
from .methods import FULL, LIGHT, PEOPLE, PLAIN, new_base, new_batch, new_method, new_step

TARGET = 0.9  # least speed against plain LoRA of those that train little more
TARGETED = (StageOneConfig.name, LIGHT)
GIB = 2**30
MOST_MEMORY = 20  # GiB; 512×512 without checkpointing should fit
KIB = 2**10  # unit of ru_maxrss on Linux


@dataclass(frozen=True, slots=True)
class Peak:
    """Bytes at the highest point of two steps, and those that the loaded base model takes."""

    whole: int
    base: int


def main() -> None:
    """Print one table per measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measurements = {"flop": print_flop, "memory": print_memory, "speed": print_speed}
    parser.add_argument("--measure", nargs="+", choices=list(measurements), default=list(measurements))
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512], help="side of the picture, pixels")
    stages = [name for name in PEOPLE if name != PLAIN]
    usual = [name for name in stages if name != FULL]
    parser.add_argument("--methods", nargs="+", choices=stages, default=usual, help="beside plain LoRA")
    parser.add_argument("--rank", type=int, default=128, help="of the LoRA")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--warm-up", type=int, default=1)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {given.threads} threads"
    print(f"torch {torch.__version__}, {where}, float32, batch 1, rank {given.rank}, {given.rounds} rounds")
    # Memory before speed: on Linux a child's highest memory is at least its parent's when it was started.
    for name, show in measurements.items():
        if name in given.measure:
            show(given)


def print_flop(given: argparse.Namespace) -> None:
    """Floating point operations of a step."""
    base = new_base(META)
    for side, checkpointing in _settings(given, "FLOP of a step"):
        work: dict[str, int] = {}
        for name in _methods(given):
            method = new_method(name, base, given.rank)
            _set_checkpointing(method, checkpointing)
            work[name] = flops(new_step(method, new_batch(name, side)))
            trained = sum(weight.numel() for weight in method.trained())
            share = 100 * (work[name] / work[PLAIN] - 1)
            print(
                f"{name:<20}{work[name] / 1e12:>8.3f} TFLOP{share:>+8.2f} %{trained / 1e6:>8.1f} M trained", flush=True
            )


def print_memory(given: argparse.Namespace) -> None:
    """Peak memory of two steps."""
    fresh = multiprocessing.get_context("spawn")
    for side, checkpointing in _settings(given, "peak memory"):
        for name in _methods(given):
            with ProcessPoolExecutor(max_workers=1, mp_context=fresh) as process:
                call = process.submit(peak_of_two_steps, name, side, checkpointing, given.rank, given.threads)
                try:
                    peak = call.result()
                except (BrokenProcessPool, torch.OutOfMemoryError):
                    print(f"{name:<20}does not fit into this machine's memory", flush=True)
                    continue
            above = (peak.whole - peak.base) / GIB
            verdict = ""
            if side == 512 and not checkpointing:
                verdict = f"   at most {MOST_MEMORY} GiB: {_verdict(peak.whole <= MOST_MEMORY * GIB)}"
            print(f"{name:<20}{peak.whole / GIB:>7.2f} GiB, above the base {above:>6.2f} GiB{verdict}", flush=True)


def peak_of_two_steps(name: str, side: int, checkpointing: bool, rank: int, threads: int) -> Peak:
    """Load the base and train two steps; to be called in a fresh process."""
    torch.set_num_threads(threads)
    base = new_base(_device())
    loaded = _most_memory()
    method = new_method(name, base, rank, alone=True)
    _set_checkpointing(method, checkpointing)
    step = new_step(method, new_batch(name, side))
    for _ in range(2):
        step()
    return Peak(_most_memory(), loaded)


def print_speed(given: argparse.Namespace) -> None:
    """Seconds per step, and the speed against plain LoRA's."""
    base = new_base(_device())
    methods = {name: new_method(name, base, given.rank) for name in _methods(given)}
    for side, checkpointing in _settings(given, "speed"):
        for method in methods.values():
            _set_checkpointing(method, checkpointing)
        calls = {name: new_step(methods[name], new_batch(name, side)) for name in methods}
        seconds = measure(calls, given.rounds, given.warm_up, seed=0)
        for name, speed in speeds(seconds).items():
            verdict = f"   at least {TARGET}: {_verdict(speed.median >= TARGET)}" if name in TARGETED else ""
            print(
                f"{name:<20}{statistics.median(seconds[name]):>8.3f} s per step, {speed.median:.3f} of plain LoRA's speed "
                f"[{speed.low:.3f}, {speed.high:.3f}]{verdict}",
                flush=True,
            )


def speeds(seconds: dict[str, list[float]]) -> dict[str, Ratio]:
    """Speeds against plain LoRA's: half as fast is 0.5; durations of one round belong together."""
    return {name: compare(seconds[PLAIN], mine) for name, mine in seconds.items()}


def _methods(given: argparse.Namespace) -> list[str]:
    return [PLAIN, *given.methods]


def _settings(given: argparse.Namespace, title: str) -> Iterator[tuple[int, bool]]:
    """Sizes, each without and with checkpointing, under a heading."""
    for side in given.sizes:
        for checkpointing in (False, True):
            print(f"\n{title}, {side}x{side}, {'with' if checkpointing else 'without'} checkpointing")
            yield side, checkpointing


def _set_checkpointing(method: Any, on: bool) -> None:
    unet = method.base.unet
    unet.enable_gradient_checkpointing() if on else unet.disable_gradient_checkpointing()


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _most_memory() -> int:
    """Bytes at the highest point so far: of the GPU if there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"


if __name__ == "__main__":
    main()
