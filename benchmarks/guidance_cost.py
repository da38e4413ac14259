"""What Reference-Based Guidance costs: FLOPs and operations of a guided step, wall time at 256x256, the references, and the graph's memory.

Usage: PYTHON_OF_A_COMFYUI -m likeness.benchmarks.guidance_cost [--rounds 10] [--size 256] [--memory-size 512]

FLOPs are counted on networks without values, SD1.5 at 512x512 and SDXL at 1024x1024, through the pack's own wrappers and
ComfyUI's guider. Operations and wall times are those of full-size SD1.5, float32 on the CPU, with nobody and with one person whom
UniPortrait adds: every round times each step once, in random order. Operations are those of the second step of a run, at 64x64 pixels;
a guided step's network decomposes what a plain one counts as one operation, for a gradient is taken.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from likeness.models.omniportrait.application import reference_guidance
from likeness.models.omniportrait.feature_store import FeatureStore
from likeness.models.omniportrait.guidance_settings import GuidanceSettings
from likeness.models.omniportrait.guided_person import ReferencePicture
from likeness.models.people.person import Person
from likeness.models.placement.windows import ALWAYS
from likeness.models.port.attention import Run
from likeness.models.port.guidance import FeatureCapture, FeatureReader, GuidedStep, NoiseLevels, Pull
from likeness.tests.people import crowd
from likeness.tools.weights.layouts import SD15, SDXL, UNetShape
from torch import Tensor

from .comfy_process import META, adapter_files, comfyui, load_adapter, load_model, meta_model, parser
from .operations import count_flops, count_operations
from .paired_ratios import compare, measure

STEPS, GUIDED = 50, 30  # u = 0.6
COUNTED = 64  # side of the picture whose operations are counted, pixels: work is of no interest there
TARGETS = {"SD1.5": (1.35, 1.22, 1.12), "SDXL": (1.5, 1.32, 1.18)}  # one step, averaged, averaged with every_k = 2


@dataclass(frozen=True, eq=False, slots=True)
class AnyFeatures:
    """A guidance without a match, which takes values that these networks do not have; the match is below 0.2 % of a step."""

    capture: FeatureCapture
    name: str = "benchmark"
    every: int = 1
    wants_attention: bool = False

    def prepare(self, read: FeatureReader) -> AnyFeatures:
        """Nothing is read."""
        del read
        return self

    def is_active(self, sigma: float) -> bool:
        """Always."""
        return sigma >= 0

    def pulls(self, step: GuidedStep) -> Sequence[Pull]:
        """The mean square of the features, everywhere."""
        energy = step.features.float().square().mean((1, 2, 3))
        return [Pull(self.name, energy, energy.new_ones(1, 1, *step.size), energy.detach())]

    def correct(self, denoised: Tensor, gradient: Tensor, guidance: Tensor | None, levels: NoiseLevels) -> Tensor:
        """Moved by the gradient."""
        del guidance, levels
        return denoised - gradient


def main() -> None:
    """Print the figures beside their targets."""
    arguments = parser(__doc__)
    arguments.add_argument("--size", type=int, default=256, help="side of the pictures that are timed, pixels")
    arguments.add_argument("--memory-size", type=int, default=512, help="side of the picture whose graph is weighed")
    arguments.add_argument("--rounds", type=int, default=10)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    with comfyui(given.comfyui) as (_, version):
        print(f"ComfyUI {version}, torch {torch.__version__}, {given.threads} threads")
        for name, shape, side in (("SD1.5", SD15, 512), ("SDXL", SDXL, 1024)):
            _report_flops(name, shape, side)
        model = load_model()
        models = {"plain": model, "one person": _with_person(model)}
        _report_operations(models, COUNTED, given.size)
        _report_time(models, given.size, given.rounds, given.seed)
        _report_memory(model, given.memory_size)


def _report_flops(name: str, shape: UNetShape, side: int) -> None:
    from comfy import model_management
    from likeness.host.guidance import step as guided_step
    from likeness.host.guidance.attach import guide
    from likeness.host.unet.sites import choose_capture, unet_of

    # networks without values have no numbers to look at, and their device no memory
    guided_step.is_finite = lambda gradient: True
    model_management.get_free_memory = lambda *args: (1e15, 1e15) if len(args) > 1 else 1e15
    model = meta_model(shape)
    model.model.model_sampling.__class__ = _without_values(type(model.model.model_sampling))
    width = model.model.model_config.unet_config.get("adm_in_channels")
    if width:  # what SDXL is told of sizes is made of numbers too
        model.model.encode_adm = lambda **_: torch.empty(1, width, device=META)
    with_guidance = guide(model, AnyFeatures(choose_capture(unet_of(model), "coarse")))
    plain, more = (count_flops(step(each, side)) for each in (model, with_guidance))
    one = more / plain
    averages = (1 + (one - 1) * GUIDED / STEPS, 1 + (one - 1) * GUIDED / STEPS / 2)
    print(f"\n{name} at {side}x{side}: plain step {plain / 1e12:.3f} TFLOP, guided {more / 1e12:.3f} TFLOP")
    names = ("one guided step", f"{GUIDED} of {STEPS} steps", "the same, every_k = 2")
    for what, found, target in zip(names, (one, *averages), TARGETS[name], strict=True):
        print(f"  {what:<22} {found:.3f}x, at most {target}x: {'met' if found <= target else 'MISSED'}")


def _without_values(sampling: type) -> type:
    """A kind of sampling whose noise level is a number while the latent has none."""

    class WithoutValues(sampling):
        def calculate_input(self, sigma: Tensor, noise: Tensor) -> Tensor:
            return noise * 1

        def calculate_denoised(self, sigma: Tensor, model_output: Tensor, model_input: Tensor) -> Tensor:
            return model_input - model_output

        def timestep(self, sigma: Tensor) -> Tensor:
            return torch.empty(len(sigma), device=META)

    return WithoutValues


def _with_person(model: Any) -> Any:
    from likeness.host.uniportrait.application import apply

    return apply(model, load_adapter(*adapter_files()), crowd(1), structure_scale=0.3, lora_strength=0.0).model


def steps(models: Mapping[str, Any], side: int, seeds: int = 4) -> dict[str, Callable[[], object]]:
    """Steps of MODELs by name, and the same guided."""
    plain = {name: step(model, side) for name, model in models.items()}
    return plain | {f"{name}, guided": step(guided(model, side, seeds=seeds), side) for name, model in models.items()}


def _report_operations(models: Mapping[str, Any], side: int, work_side: int) -> None:
    """Print what a step launches and computes, the second of a run."""
    print(f"\n{'a step with':<22}{'operations':>11}{'':>10}  TFLOP at {work_side}x{work_side}")
    first, work_steps = 0, steps(models, work_side, seeds=1)
    for name, call in steps(models, side, seeds=1).items():
        call()
        found = count_operations(call).total()
        first = first or found
        work_steps[name]()
        work = count_flops(work_steps[name]) / 1e12
        print(f"{name:<22}{found:>11}{100 * (found / first - 1):>+8.1f} %{work:>10.4f}", flush=True)


def _report_time(models: Mapping[str, Any], side: int, rounds: int, seed: int) -> None:
    seconds = measure(steps(models, side), rounds, 1, seed)
    name, model = next(iter(models.items()))
    plain = statistics.median(seconds[name])
    print(f"\nSD1.5 at {side}x{side}, float32: {name} step {plain:.2f} s")
    for other, own in seconds.items():
        if other != name:
            print(f"  {other:<20} {compare(own, seconds[name], seed)}")
    first = measure({"first": step(guided(model, side, seeds=4), side)}, 1, 0, seed)["first"][0]
    once = first - statistics.median(seconds[f"{name}, guided"])
    print(f"references, once (one photo, 4 noises): {once:.2f} s, {once / plain:.2f} plain steps")


def _report_memory(model: Any, side: int) -> None:
    from likeness.host.guidance import guided_pass, memory
    from likeness.host.unet.sites import choose_capture, unet_of

    size = (side // 8, side // 8)
    block = choose_capture(unet_of(model), "coarse").block
    print(f"\ngraph of SD1.5 at {side}x{side} up to output block {block}, float32 (half of it in half precision):")
    for is_saving in (False, True):
        guided_pass.is_short = lambda *args, is_saving=is_saving: is_saving
        held = _held(step(guided(model, side, seeds=1), side))
        estimate = memory.graph_bytes(unet_of(model), size, 1, 4, block, is_saving=is_saving)
        what = "feed-forward layers and residual blocks computed twice" if is_saving else "everything kept"
        print(f"  {what}: {held / 1e6:.0f} MB held for backward; asked for: {estimate / 1e6:.0f} MB")


def guided(model: Any, side: int, *, seeds: int) -> Any:
    """A MODEL that one reference guides at every noise level, in the middle of a picture of some pixels a side; K seeds."""
    from likeness.host.guidance.attach import guide
    from likeness.host.unet.sites import choose_capture, unet_of

    cells = side // 8
    generator = torch.Generator().manual_seed(0)
    face = torch.zeros(cells, cells)
    face[cells // 4 : -cells // 4, cells // 4 : -cells // 4] = 1
    latent = torch.randn(1, 4, cells, cells, generator=generator)
    guidance = reference_guidance(
        {0: Person(name="Ann", mask=face)},
        {0: (ReferencePicture(latent, face),)},
        settings=GuidanceSettings(window=ALWAYS, seeds=seeds),
        capture=choose_capture(unet_of(model), "coarse"),
    )
    return guide(model, replace(guidance, store=FeatureStore()))


def step(model: Any, side: int) -> Callable[[], object]:
    """One evaluation with classifier-free guidance, through ComfyUI's guider and every wrapper of a MODEL, where that is loaded."""
    from comfy.samplers import CFGGuider, process_conds
    from likeness.host.unet import keys

    config = model.model.model_config.unet_config
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 4, side // 8, side // 8, generator=generator).to(model.load_device)
    conds: dict[str, Any] = {}
    for name in ("positive", "negative"):
        text = torch.randn(1, 77, config["context_dim"], generator=generator).to(model.load_device)
        entry: dict[str, Any] = {"pooled_output": None}
        if config.get("adm_in_channels"):
            entry["pooled_output"] = torch.randn(1, 1280, generator=generator).to(model.load_device)
        conds[name] = [[text, entry]]
    guider: Any = CFGGuider(model)
    guider.set_conds(conds["positive"], conds["negative"])
    guider.set_cfg(7.0)
    guider.inner_model, model.model.current_patcher = model.model, model
    entries = {name: [dict(entry) for entry in found] for name, found in guider.original_conds.items()}
    guider.conds = process_conds(model.model, x, entries, x.device)
    options = model.model_options["transformer_options"]
    guider.model_options = {
        **model.model_options,
        "transformer_options": {**options, "wrappers": model.wrappers, keys.RUN: Run()},
    }
    sigma = model.get_model_object("model_sampling").sigma(torch.tensor([400.0]))
    sigma = sigma if x.is_meta else sigma.to(x.device)
    return lambda: guider(x, sigma, model_options=guider.model_options)


def _held(call: Callable[[], object]) -> int:
    """Bytes that a call's graph keeps for backward, storages counted once."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        call()
    return sum(kept.values())


if __name__ == "__main__":
    main()
