"""What IP-Adapter costs per UNet call and per layer beside ComfyUI_IPAdapter_plus: full-size SD1.5, float32 on the CPU.

Usage: PYTHON_OF_A_COMFYUI -m likeness.benchmarks.ip_adapter_cost [--peer PATH/ComfyUI_IPAdapter_plus]
    [--kinds "FaceID PlusV2" Plus] [--side 512] [--rounds 12] [--bare-rounds 60]

Without that pack's folder nothing is measured. Both are given the same weights, picture and face, see `tools.peers`. Every
round times the plain call and each adapter's once, a guidance pair, in random order; each duration is held against the plain
one of its own round. What a layer costs is a small part of a call and drowns in it, so it is timed in a UNet with little
else in it (`bare_unet`), in the processor time of all threads, which other programs disturb least. That pack is called at 15 of the 16 layers, so ours is measured at all of them and at these.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import torch
from likeness.tools.peers.ip_adapter import BLOCKS, Setting, apply_ours, apply_theirs, load_clip_vision
from likeness.tools.peers.process import load_pack
from likeness.tools.weights.write import CLIP_VISION, FACEID_PLUS, IP_ADAPTER_PLUS, make

from .bare_unet import cross_attention_alone
from .clones import CLONES, growth
from .comfy_process import comfyui, flops, load_model, parser, unet_call
from .paired_ratios import compare, measure, median_of

VARIABLE = "LIKENESS_IPADAPTER_PLUS"
KINDS: Mapping[str, Setting] = {
    "FaceID PlusV2": Setting(file=FACEID_PLUS, strength=0.8),
    "Plus": Setting(file=IP_ADAPTER_PLUS, strength=0.8),
}
PLAIN, OURS, OURS_THERE, THEIRS = "plain", "ours", "ours, their layers", "theirs"
SITES = {OURS: 16, OURS_THERE: 15, THEIRS: 15}

Calls = dict[str, Callable[[], torch.Tensor]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one kind.

    Attributes:
        work: FLOP of every call.
        seconds: of every call, one entry per round.
        bare_seconds: of the processor for the same in a UNet with little but cross-attention in it.
    """

    work: Mapping[str, int]
    seconds: Mapping[str, list[float]]
    bare_seconds: Mapping[str, list[float]]

    def work_per_site(self, name: str) -> float:
        """FLOP that one layer costs beyond the plain call."""
        return (self.work[name] - self.work[PLAIN]) / SITES[name]

    def time_per_site(self, name: str) -> list[float]:
        """Milliseconds of the processor that one layer costs beyond the plain call, one entry per round of bare calls."""
        pairs = zip(self.bare_seconds[name], self.bare_seconds[PLAIN], strict=True)
        return [1000 * (mine - plain) / SITES[name] for mine, plain in pairs]


def main() -> None:
    """Print a table and the verdicts for each kind."""
    arguments = parser(__doc__)
    arguments.add_argument(
        "--peer", type=Path, default=os.environ.get(VARIABLE), help="folder of ComfyUI_IPAdapter_plus"
    )
    arguments.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    arguments.add_argument("--side", type=int, default=512, help="of the picture, pixels")
    arguments.add_argument("--rounds", type=int, default=12, help="of whole calls")
    arguments.add_argument("--bare-rounds", type=int, default=60, help="of calls with little but cross-attention")
    arguments.add_argument("--warm-up", type=int, default=1)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    if given.peer is None:
        print(f"skipped: needs a copy of ComfyUI_IPAdapter_plus; name its folder in {VARIABLE} or with --peer")
        return
    torch.set_num_threads(given.threads)
    with comfyui(given.comfyui) as (_, version):
        pack, plain, clip_vision = load_pack(given.peer), load_model(), load_clip_vision(make(CLIP_VISION))
        print(f"ComfyUI {version}, torch {torch.__version__}, {given.threads} threads, {given.rounds} rounds")
        for kind in given.kinds:
            models = _models(pack, plain, clip_vision, KINDS[kind])
            calls = {name: unet_call(model, given.side) for name, model in models.items()}
            seconds = measure(calls, given.rounds, given.warm_up, given.seed)
            work = flops(calls[PLAIN])
            with cross_attention_alone(plain.model.diffusion_model):
                bare_seconds = measure(calls, given.bare_rounds, given.warm_up, given.seed, process_time)
                bare_work = {name: flops(call) for name, call in calls.items()}
            added = {name: work + bare - bare_work[PLAIN] for name, bare in bare_work.items()}
            print(f"\n{kind}, {given.side}x{given.side}")
            report(Measured(added, seconds, bare_seconds), given.seed)
            report_clones(models)


def _models(pack: Any, plain: Any, clip_vision: Any, setting: Setting) -> dict[str, Any]:
    theirs, crop = apply_theirs(pack, plain, clip_vision, setting)
    return {
        PLAIN: plain,
        OURS: apply_ours(plain, clip_vision, setting, crop, blocks=""),
        OURS_THERE: apply_ours(plain, clip_vision, setting, crop, blocks=BLOCKS),
        THEIRS: theirs,
    }


def report(found: Measured, seed: int) -> None:
    """Print a line for each adapter, then what a layer of ours costs beside one of theirs."""
    plain, bare = (statistics.median(seconds[PLAIN]) for seconds in (found.seconds, found.bare_seconds))
    print(f"plain call {plain:.3f} s, {found.work[PLAIN] / 1e12:.3f} TFLOP; bare {bare:.3f} s")
    print(f"{'':<20}{'sites':>5}  {'time':<28}{'FLOP':>9}  {'time of a site':<28}{'FLOP of a site':>16}")
    for name, sites in SITES.items():
        percent = 100 * (found.work[name] / found.work[PLAIN] - 1)
        print(
            f"{name:<20}{sites:>5}  {compare(found.seconds[name], found.seconds[PLAIN], seed)!s:<28}{percent:>+7.3f} %  "
            f"{_milliseconds(median_of(found.time_per_site(name), seed)):<28}{found.work_per_site(name) / 1e6:>10.1f} MFLOP"
        )
    for name in (OURS, OURS_THERE):
        ratio = found.work_per_site(name) / found.work_per_site(THEIRS)
        print(f"{name}, FLOP of a site: {ratio:.4f} of theirs, at most 1: {'met' if ratio <= 1 else 'MISSED'}")
        pairs = zip(found.time_per_site(name), found.time_per_site(THEIRS), strict=True)
        more = median_of([mine - other for mine, other in pairs], seed)
        print(f"{name}, time of a site beyond theirs: {_milliseconds(more)}, at most 0: {verdict(more)}")


def report_clones(models: Mapping[str, Any]) -> None:
    """Print what ten clones of each add to the tensors in memory."""
    for name, model in models.items():
        tensors, _ = growth(model)
        outcome = "" if name in (PLAIN, THEIRS) else f", at most 0: {'met' if tensors == 0 else 'MISSED'}"
        print(f"{CLONES} chained clones of {name}: {tensors:+d} bytes of tensors{outcome}", flush=True)


def verdict(difference: tuple[float, float, float]) -> str:
    """Whether a difference is at most 0, by its median and the bounds of that."""
    _, low, high = difference
    return "met" if high <= 0 else "MISSED" if low > 0 else "not to be told apart"


def _milliseconds(values: tuple[float, float, float]) -> str:
    median, low, high = values
    return f"{median:+.3f} ms [{low:+.3f}, {high:+.3f}]"


if __name__ == "__main__":
    main()
