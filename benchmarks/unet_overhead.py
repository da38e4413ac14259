"""What people cost per UNet call: full-size SD1.5, float32 on the CPU, a guidance pair, against the plain call.

Usage: PYTHON_OF_A_COMFYUI -m likeness.benchmarks.unet_overhead [--method uniportrait | --method faceid] [--sizes 256 512]
    [--people 1 2 4] [--rounds 30]

UniPortrait's router places the people; the faces are its own, or those of IP-Adapter FaceID PlusV2.

Every round times the plain call and each number of people once, in random order; each duration is divided by the plain
one of its own round. LoRA is left out: it is merged into the weights and costs nothing per call.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import torch
from likeness.tests.people import crowd

from .comfy_process import adapter_files, comfyui, flops, load_adapter, load_faceid, load_model, parser, unet_call
from .paired_ratios import compare, measure

Put = Callable[[Any, int], Any]  # a MODEL and a number of people, to what was applied
PLAIN = "plain"
TARGETS = {256: 5.0, 512: 3.5}  # most per cent for two people
FOUR_OVER_TWO = 1.5  # most points that four people may cost beyond two


def main() -> None:
    """Print one line per size and number of people."""
    arguments = parser(__doc__)
    arguments.add_argument("--method", choices=list(METHODS), default="uniportrait", help="brings the faces")
    arguments.add_argument("--sizes", type=int, nargs="+", default=[256, 512], help="side of the picture, pixels")
    arguments.add_argument("--people", type=int, nargs="+", default=[1, 2, 4])
    arguments.add_argument("--rounds", type=int, default=30)
    arguments.add_argument("--warm-up", type=int, default=2)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    with comfyui(given.comfyui) as (_, version):
        plain, put = load_model(), METHODS[given.method](load_adapter(*adapter_files()))
        models = {PLAIN: plain} | {str(count): _applied(put(plain, count)) for count in given.people}
        dtype = next(plain.model.diffusion_model.parameters()).dtype
        print(f"ComfyUI {version}, torch {torch.__version__}, {dtype}, {given.threads} threads, {given.rounds} rounds")
        for side in given.sizes:
            calls = {name: unet_call(model, side) for name, model in models.items()}
            _report(side, calls, given.rounds, given.warm_up, given.seed)


def _uniportrait(adapter: Any) -> Put:
    from likeness.host.uniportrait.application import apply

    return lambda model, count: apply(model, adapter, crowd(count), structure_scale=0.3, lora_strength=0.0)


def _faceid(adapter: Any) -> Put:
    from likeness.host.ip_adapter.application import apply
    from likeness.host.placement import LoadedPlacement
    from likeness.host.uniportrait.adapter import UniPortraitRouter

    faceid, where = load_faceid(), LoadedPlacement("router", UniPortraitRouter(adapter, 0.3))
    return lambda model, count: apply(model, faceid, crowd(count), where=where, lora_strength=0.0)


METHODS: dict[str, Callable[[Any], Put]] = {"uniportrait": _uniportrait, "faceid": _faceid}


def _applied(applied: Any) -> Any:
    if not applied.is_applied:
        raise SystemExit("Nothing was applied.")
    return applied.model


def _report(side: int, calls: dict[str, Callable[[], torch.Tensor]], rounds: int, warm_up: int, seed: int) -> None:
    work = {name: flops(call) for name, call in calls.items()}
    seconds = measure(calls, rounds, warm_up, seed)
    plain = seconds[PLAIN]
    print(f"\n{side}x{side}: plain call {statistics.median(plain):.3f} s, {work[PLAIN] / 1e12:.3f} TFLOP")
    print(f"{'people':>8}  {'median of ratios':<34}{'FLOP':>10}")
    medians: dict[str, float] = {}
    for name in calls:
        if name != PLAIN:
            ratio = compare(seconds[name], plain, seed)
            medians[name] = 100 * (ratio.median - 1)
            print(f"{name:>8}  {ratio!s:<34}{100 * (work[name] / work[PLAIN] - 1):>+8.2f} %")
    if "2" in medians and side in TARGETS:
        print(f"two people: at most {TARGETS[side]:+.1f} %: {_verdict(medians['2'] <= TARGETS[side])}")
    if {"2", "4"} <= medians.keys():
        points = medians["4"] - medians["2"]
        print(f"four beyond two: {points:+.2f} points, at most {FOUR_OVER_TWO}: {_verdict(points <= FOUR_OVER_TWO)}")


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"


if __name__ == "__main__":
    main()
