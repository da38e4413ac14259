"""What ID tokens cost per UNet call on SDXL: FLOPs at full size, and time beside the plain call.

Usage: PYTHON_OF_A_COMFYUI -m likeness.benchmarks.consistentid_overhead [--rounds 12 | --rounds 0] [--narrow]

The FLOPs are counted on the meta device, where a network has shapes and no values; SD1.5 is counted too. The times
are those of full-size SDXL in float32 on the CPU (11 GB of memory, 16 GB while it loads), a guidance pair: every round
times all calls once, in random order, and each duration is divided by the plain one of its own round. LoRA is left out:
it is merged into the weights and costs nothing per call.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

import torch
from likeness.models.adapters.regional_text import EVERYBODY
from likeness.models.consistentid.application import ConsistentIDResidual
from likeness.models.port.attention import AttentionCall, AttentionResidual, AttentionSite
from likeness.tools.weights.layouts import SD15, SDXL, UNetShape
from likeness.tools.weights.write import NARROW_SDXL_CHECKPOINT, SDXL_CHECKPOINT
from torch import Tensor, nn

from .comfy_process import comfyui, flops, load_model, meta_model, parser, unet_call
from .paired_ratios import compare, measure

PLAIN = "plain"
ID_TOKENS = 4
TARGET = 3.0  # most per cent
FLOP_SIDES = {"SDXL": (512, 1024), "SD1.5": (512,)}
SHAPES = {"SDXL": SDXL, "SD1.5": SD15}


@dataclass(frozen=True, slots=True)
class Arm:
    """What is measured beside the plain call.

    Attributes:
        name: printed.
        people: one has the whole picture, several have a stripe each.
        owners: of every token of the positive text, the place of a person or -1 (everybody).
    """

    name: str
    people: int
    owners: tuple[int, ...] = ()


ARMS = (
    Arm("1 person", 1),
    Arm("2 people with masks", 2),
    Arm("2 people with own words", 2, (*[EVERYBODY] * 20, *[0] * 5, *[EVERYBODY] * 20, *[1] * 5, *[EVERYBODY] * 27)),
)


@dataclass(frozen=True, eq=False)
class Witness:
    """A residual that remembers the layers it added something to.

    Attributes:
        residual: does the work.
        fired: indices of these layers.
    """

    residual: AttentionResidual
    fired: set[int] = field(default_factory=set)

    def wants(self, site: AttentionSite) -> bool:
        """Whatever the residual wants."""
        return self.residual.wants(site)

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor | None:
        """What the residual gives."""
        added = self.residual(site, call)
        if added is not None:
            self.fired.add(site.index)
        return added


def main() -> None:
    """Print the FLOPs, then the times."""
    arguments = parser(__doc__)
    arguments.add_argument("--side", type=int, default=256, help="side of the picture that is timed, pixels")
    arguments.add_argument("--rounds", type=int, default=12, help="0 times nothing")
    arguments.add_argument("--warm-up", type=int, default=2)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--narrow", action="store_true", help="time the tests' narrow SDXL instead, to try this out")
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    with comfyui(given.comfyui) as (_, version):
        print(f"ComfyUI {version}, torch {torch.__version__}, {given.threads} threads")
        for name, shape in SHAPES.items():
            for side in FLOP_SIDES[name]:
                report_flops(name, shape, side)
        if given.rounds:
            model = load_model(NARROW_SDXL_CHECKPOINT if given.narrow else SDXL_CHECKPOINT)
            report_times(model, given.side, given.rounds, given.warm_up, given.seed)


def report_flops(name: str, shape: UNetShape, side: int) -> None:
    """Print a line per arm: FLOPs beside the plain call, and the layers that took part."""
    model = meta_model(shape)
    plain = flops(unet_call(model, side))
    print(f"\n{name} {side}x{side}: plain call {plain / 1e12:.3f} TFLOP")
    for arm in ARMS:
        witness = Witness(residual(model, arm.people, side))
        percent = 100 * (flops(unet_call(_applied(model, witness), side, arm.owners)) / plain - 1)
        _print(arm, f"{percent:+.3f} %", percent, f", {len(witness.fired)}/{len(shape.transformer_widths)} sites")


def report_times(model: Any, side: int, rounds: int, warm_up: int, seed: int) -> None:
    """Print a line per arm: the median of the paired ratios."""
    models = {arm: _applied(model, residual(model, arm.people, side)) for arm in ARMS}
    calls = {arm.name: unet_call(applied, side, arm.owners) for arm, applied in models.items()}
    seconds = measure({PLAIN: unet_call(model, side), **calls}, rounds, warm_up, seed)
    print(f"\n{side}x{side}, {rounds} rounds: plain call {statistics.median(seconds[PLAIN]):.3f} s")
    for arm in ARMS:
        ratio = compare(seconds[arm.name], seconds[PLAIN], seed)
        _print(arm, str(ratio), 100 * (ratio.median - 1))


def residual(model: Any, people: int, side: int) -> ConsistentIDResidual:
    """ID tokens with random keys and values at every cross-attention of a MODEL.

    Args:
        model: gives the layers, their widths and the device.
        people: one has the whole picture, several have a stripe each.
        side: of the picture, pixels.
    """
    from likeness.host.unet.sites import find_sites, unet_of
    from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection
    from likeness.models.adapters.identity_attention import Acting, IdentityResidual
    from likeness.models.placement.placements import Everywhere, Masks

    network = unet_of(model)
    device = next(network.parameters()).device
    width = model.model.model_config.unet_config["context_dim"]
    torch.manual_seed(0)
    with device:
        sites = [site for site in find_sites(network) if site.kind == "cross"]
        attention = nn.ModuleDict({str(site.index): KeyValueProjection(width, site.channels) for site in sites})
        stripes = torch.eye(people).repeat_interleave(side // people, dim=1)  # (people, side)
        masks = tuple(stripe.repeat(1, side, 1) for stripe in stripes)  # (1, side, side) each
        identity = IdentityResidual(
            attention=attention.requires_grad_(False),
            tokens=torch.randn(people, ID_TOKENS, width),
            null_tokens=torch.randn(1, ID_TOKENS, width),
            people=tuple(Acting(name=f"person {place + 1}", strength=1.0) for place in range(people)),
            placement=Everywhere(1) if people == 1 else Masks(masks),
        )
    return ConsistentIDResidual(identity)


def _applied(model: Any, added: AttentionResidual) -> Any:
    from likeness.host.unet.attention import inject

    return inject(model, [added], name="ID tokens")


def _print(arm: Arm, measured: str, percent: float, rest: str = "") -> None:
    verdict = "met" if percent <= TARGET else "MISSED"
    print(f"{arm.name + ':':<25}{measured}{rest}, at most {TARGET:+.1f} %: {verdict}", flush=True)


if __name__ == "__main__":
    main()
