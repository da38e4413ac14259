"""Every figure of a card with one command: what people cost beside the plain call and ComfyUI_IPAdapter_plus, as tables in Markdown.

Usage: PYTHON_OF_A_COMFYUI -m likeness.benchmarks.gpu [--peer PATH/ComfyUI_IPAdapter_plus] [--rounds 30]
       PYTHON_OF_A_COMFYUI -m likeness.benchmarks.gpu --device cpu --small --rounds 2 --steps 2

Full-size SD1.5 and SDXL with random weights in half precision, a guidance pair; no file is read. Every round times each form once,
in random order, by the card's own events; each duration is divided by the plain one of its own round. Peak memory is that of
the first call of a run, beyond the plain one's; launches are those of a later call, as torch's profiler sees them. Without a card
it ends with 2. `--device cpu --small` runs the same on the CPU with small networks, to try it out: the figures mean
nothing then, and operations stand for launches.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from likeness.tools.peers.process import load_pack
from likeness.tools.weights.layouts import SD15, SDXL
from torch import Tensor

from .card import Card, CPUInPlace, CUDACard
from .comfy_process import TEXT_TOKENS, comfyui, parser, unet_call
from .guidance_cost import guided, steps
from .ip_adapter_cost import VARIABLE
from .paired_ratios import compare, measure
from .peak_memory import MIB, Peak
from .random_models import SMALL_SD15, SMALL_SDXL, config_of, config_of_layers, new_model, people

NO_CARD = "No card: torch finds no CUDA device here; run this on a machine that has one, or add --device cpu --small to try it out."
PLAIN, THEIRS = "plain", "IPAdapter_plus, 1 person, 4 tokens"
ARMS: Mapping[str, tuple[int, str, int]] = {  # people, how they are placed, tokens of each
    "1 person": (1, "everywhere", 16),
    **{f"{count} people by the router": (count, "router", 16) for count in (2, 4)},
    **{f"{count} people in masks of 0 and 1": (count, "hard", 16) for count in (2, 4)},
    "2 people in masks with soft edges": (2, "soft", 16),
    "1 person, 4 tokens": (1, "everywhere", 4),
}
LOADED = (PLAIN, "1 person", "2 people by the router")  # two people's router is loaded too
EMBEDDING = 1024  # width of what that pack is given in a picture's place

Calls = Mapping[str, Callable[[], object]]


@dataclass(frozen=True, slots=True)
class Base:
    """A base model.

    Attributes:
        config: gives ComfyUI's configuration.
        sides: of the pictures, pixels.
        is_sampled: whether guided steps and whole runs are measured, which need a base without a pooled text.
        is_routed: whether a router is measured; for SDXL there is none.
    """

    config: Callable[[], Any]
    sides: tuple[int, ...]
    is_sampled: bool = False
    is_routed: bool = False


FULL: Mapping[str, Base] = {
    "SD1.5": Base(lambda: config_of(SD15), (512, 768), is_sampled=True, is_routed=True),
    "SDXL": Base(lambda: config_of(SDXL), (1024,)),
}
SMALL: Mapping[str, Base] = {
    "small SD1.5": Base(lambda: config_of_layers(SMALL_SD15), (64,), is_sampled=True, is_routed=True),
    "small SDXL": Base(lambda: config_of_layers(SMALL_SDXL), (64,)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """How everything is measured.

    Attributes:
        card: where.
        pack: ComfyUI_IPAdapter_plus, or None.
        rounds: of calls and steps; a sixth of it for whole runs and for loading.
        warm_up: rounds before these.
        steps: of a whole run.
        seed: of the order.
    """

    card: Card
    pack: Any
    rounds: int
    warm_up: int
    steps: int
    seed: int

    @property
    def few(self) -> int:
        """Rounds of what takes long."""
        return -(-self.rounds // 6)


def main() -> int:
    """Print the tables; 2 without a card."""
    arguments = parser(__doc__)
    arguments.add_argument(
        "--peer", type=Path, default=os.environ.get(VARIABLE), help="folder of ComfyUI_IPAdapter_plus"
    )
    arguments.add_argument("--rounds", type=int, default=30, help="of calls and steps; a sixth of it for whole runs")
    arguments.add_argument("--warm-up", type=int, default=3)
    arguments.add_argument("--steps", type=int, default=20, help="of a whole run")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    arguments.add_argument("--small", action="store_true", help="small networks and pictures, to try this out")
    given = arguments.parse_args()
    on_cpu = given.device == "cpu"
    if not on_cpu and not torch.cuda.is_available():
        print(NO_CARD)
        return 2
    torch.set_num_threads(given.threads)
    with comfyui(given.comfyui, on_cpu=on_cpu) as (_, version):
        card: Card = CPUInPlace() if on_cpu else CUDACard()
        print(f"ComfyUI {version}, torch {torch.__version__}, {card.name}, {card.dtype}, {given.rounds} rounds")
        if given.peer is None:
            print(f"ComfyUI_IPAdapter_plus is left out: name its folder in {VARIABLE} or with --peer.")
        pack = None if given.peer is None else load_pack(given.peer)
        bench = Bench(
            card=card, pack=pack, rounds=given.rounds, warm_up=given.warm_up, steps=given.steps, seed=given.seed
        )
        for name, base in (SMALL if given.small else FULL).items():
            report(bench, name, base)
    return 0


def report(bench: Bench, name: str, base: Base) -> None:
    """Print the tables of one base."""
    from comfy import model_management

    plain = new_model(base.config(), bench.card.dtype, bench.card.device, torch.device("cpu"))
    models = {PLAIN: plain} | {
        arm: people(plain, *how) for arm, how in ARMS.items() if base.is_routed or "router" not in how
    }
    report_loading(bench, name, {arm: models[arm] for arm in LOADED if arm in models})
    model_management.load_models_gpu([plain], force_full_load=True)
    if bench.pack is not None:
        models[THEIRS] = theirs(bench.pack, plain)
    for side in base.sides:
        title = f"{name}, a call at {side} x {side}"
        report_calls(bench, title, {arm: unet_call(model, side) for arm, model in models.items()}, bench.rounds)
    if base.is_sampled:
        side = base.sides[0]
        some = {arm: models[arm] for arm in (PLAIN, "1 person")}
        report_calls(bench, f"{name}, a step at {side} x {side}", steps(some, side), bench.rounds)
        some |= {f"{arm}, guided at every step": guided(model, side, seeds=4) for arm, model in some.items()}
        some |= {THEIRS: models[THEIRS]} if THEIRS in models else {}
        runs = {arm: sampling(model, side, bench.steps) for arm, model in some.items()}
        report_calls(bench, f"{name}, a run of {bench.steps} steps at {side} x {side}", runs, bench.few)
    model_management.unload_all_models()


def report_calls(bench: Bench, title: str, calls: Calls, rounds: int) -> None:
    """Print a table: milliseconds, what they are against the plain call, launches, and peak memory beyond the plain call's.

    Args:
        bench: how.
        title: of the table.
        calls: by name, the plain one first; each the first of a run.
        rounds: of calls.
    """
    first, *_ = calls
    calls[first]()  # what a device sets up once
    peaks = {name: _peak(bench.card, call) for name, call in calls.items()}
    seconds = measure(calls, rounds, bench.warm_up, bench.seed, bench.card.clock)
    launches = {name: bench.card.launches(call) for name, call in calls.items()}
    print(f"\n| {title} | ms | against {first} | launches | peak memory, MiB beyond {first} |\n|---|---|---|---|---|")
    for name in calls:
        ratio = "" if name == first else str(compare(seconds[name], seconds[first], bench.seed)).strip()
        more = "" if name == first else f" ({100 * (launches[name] / launches[first] - 1):+.1f} %)"
        beyond = f"{peaks[name] / MIB:.1f} in all" if name == first else f"{(peaks[name] - peaks[first]) / MIB:+.1f}"
        milliseconds = 1000 * statistics.median(seconds[name])
        print(f"| {name} | {milliseconds:.2f} | {ratio} | {launches[name]:,}{more} | {beyond} |", flush=True)


def report_loading(bench: Bench, name: str, models: Mapping[str, Any]) -> None:
    """Print a table: how large a MODEL and its adapters are, and how long they take to the card and back."""
    from comfy import model_management

    print(f"\n| {name}, loading | MiB | s to the card | s back |\n|---|---|---|---|")
    for arm, model in models.items():
        together = [model, *model.get_nested_additional_models()]
        there, back = [], []
        for _ in range(bench.few):
            model_management.unload_all_models()
            moments = [bench.card.clock()]
            model_management.load_models_gpu(together, force_full_load=True)
            moments.append(bench.card.clock())
            model_management.unload_all_models()
            moments.append(bench.card.clock())
            there.append(moments[1] - moments[0])
            back.append(moments[2] - moments[1])
        size = sum(part.model_size() for part in together) / MIB
        print(f"| {arm} | {size:.0f} | {statistics.median(there):.3f} | {statistics.median(back):.3f} |", flush=True)


def theirs(pack: Any, model: Any) -> Any:
    """A MODEL with a plain adapter of random weights by ComfyUI_IPAdapter_plus's own node, at all of its layers."""
    from likeness.host.unet.sites import context_width, find_sites, unet_of

    network = unet_of(model)
    width, generator = context_width(network), torch.Generator().manual_seed(0)

    def new(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator) * shape[-1] ** -0.5

    layers = {
        f"{site.index}.to_{part}_ip.weight": new(site.channels, width)
        for site in find_sites(network)
        if site.kind == "cross"
        for part in ("k", "v")
    }
    tokens = 4 * width
    projection = {"proj.weight": new(tokens, EMBEDDING), "proj.bias": new(tokens)}
    projection |= {"norm.weight": torch.ones(width), "norm.bias": torch.zeros(width)}
    seen = torch.randn(1, EMBEDDING, generator=generator)
    node = pack.NODE_CLASS_MAPPINGS["IPAdapterEmbeds"]()
    return node.apply_ipadapter(
        model,
        {"image_proj": projection, "ip_adapter": layers},
        pos_embed=seen,
        neg_embed=torch.zeros_like(seen),
        weight=0.7,
        weight_type="linear",
        start_at=0.0,
        end_at=1.0,
    )[0]


def sampling(model: Any, side: int, count: int) -> Callable[[], object]:
    """A whole run of Euler's sampler with some steps, through all of ComfyUI's sampling; a MODEL without a pooled text."""
    from comfy import sample

    def run() -> object:
        with nothing_shown():
            return sample.sample(model, noise, count, 7.0, "euler", "normal", positive, negative, latent, **settings)

    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, 4, side // 8, side // 8, generator=generator)
    width = model.model.model_config.unet_config["context_dim"]
    positive, negative = (
        [[torch.randn(1, TEXT_TOKENS, width, generator=generator), {"pooled_output": None}]] for _ in range(2)
    )
    settings: dict[str, Any] = {"denoise": 1.0, "disable_pbar": True, "seed": 0}
    latent = torch.zeros_like(noise)
    return run


@contextmanager
def nothing_shown() -> Iterator[None]:
    """Let runs take no notes for the nodes that show maps, as in a graph without these; without a server each run does."""
    from likeness.host.sampling import runs

    before, runs.is_queued = runs.is_queued, lambda node_id: False
    try:
        yield
    finally:
        runs.is_queued = before


def _peak(card: Card, call: Callable[[], object]) -> int:
    with Peak(card.device) as peak:
        call()
    return peak.bytes


if __name__ == "__main__":
    sys.exit(main())
