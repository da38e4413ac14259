"""How many operations a UNet call launches: full-size SD1.5, a guidance pair in one call, 64x64 pixels, beside ComfyUI_IPAdapter_plus.

Usage: PYTHON_OF_A_COMFYUI -m likeness.benchmarks.launches [--peer PATH/ComfyUI_IPAdapter_plus]

The second call of a run is counted: what people need once per run is there. Operations that only look at a tensor in another way are
not counted, see `operations.VIEWS`. Ends with 1 if a budget is missed.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from likeness.models.people.person import People
from likeness.tests.people import crowd, someone
from likeness.tools.peers.ip_adapter import apply_theirs, load_clip_vision
from likeness.tools.peers.process import load_pack
from likeness.tools.weights.write import CLIP_VISION, make

from .comfy_process import TEXT_TOKENS, adapter_files, comfyui, load_adapter, load_faceid, load_model, parser, unet_call
from .ip_adapter_cost import KINDS, VARIABLE
from .operations import count_operations

SIDE = 64  # of the picture, pixels: work is of no interest here
MASK = 128  # cells of a side of a mask


@dataclass(frozen=True, slots=True)
class Arm:
    """What is applied, and how many operations it may add.

    Attributes:
        name: printed.
        put: a MODEL to one with people.
        budget: most per cent beyond the plain call; None where none is set.
        owners: of the positive text, see `unet_call`.
    """

    name: str
    put: Callable[[Any], Any]
    budget: float | None = None
    owners: tuple[int, ...] = ()


def main() -> int:
    """Print a line for each; return 1 if a budget is missed."""
    arguments = parser(__doc__)
    arguments.add_argument(
        "--peer", type=Path, default=os.environ.get(VARIABLE), help="folder of ComfyUI_IPAdapter_plus"
    )
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    with comfyui(given.comfyui) as (_, version):
        plain = load_model()
        print(f"ComfyUI {version}, torch {torch.__version__}, SD1.5, operations of a guidance pair in one call")
        arms = [*ours(load_adapter(*adapter_files())), *([] if given.peer is None else theirs(given.peer))]
        return report(plain, arms)


def report(plain: Any, arms: list[Arm]) -> int:
    """Print a line for each arm on a MODEL; return 1 if a budget is missed."""
    base = launched(plain)
    print(f"{'plain':<44}{base.total():>6}")
    is_missed = False
    for arm in arms:
        found = launched(arm.put(plain), arm.owners)
        more = 100 * (found.total() - base.total()) / base.total()
        is_met = arm.budget is None or more <= arm.budget
        is_missed = is_missed or not is_met
        verdict = "" if arm.budget is None else f", at most {arm.budget:+.0f} %: {'met' if is_met else 'MISSED'}"
        print(f"{arm.name:<44}{found.total():>6}  {more:+.1f} %{verdict}", flush=True)
    return int(is_missed)


def launched(model: Any, owners: tuple[int, ...] = ()) -> Counter[str]:
    """Operations of the second call of a run."""
    call = unet_call(model, SIDE, owners, text_tokens=len(owners) or TEXT_TOKENS)
    call()
    return count_operations(call)


def ours(uniportrait: Any) -> list[Arm]:
    """Every method of this pack."""
    from .consistentid_overhead import residual as id_tokens
    from .facestudio_cost import trained

    contexts = tuple(owner for owner in range(-1, 2) for _ in range(8))
    return [
        *(Arm(f"UniPortrait, {_people(n)}", _routed(uniportrait, n), 4 if n == 1 else 15) for n in (1, 2, 4)),
        Arm("UniPortrait, 2 people, masks of 0 and 1", _masked(uniportrait, 0), 8),
        Arm("UniPortrait, 2 people, masks with soft edges", _masked(uniportrait, 8), 8),
        Arm("IP-Adapter FaceID, 1 person", _faceid, 4),
        Arm("ConsistentID, 1 person", lambda model: _injected(model, id_tokens(model, 1, MASK)), 4),
        Arm("ConsistentID, 2 people, masks of 0 and 1", lambda model: _injected(model, id_tokens(model, 2, MASK)), 8),
        Arm("FaceStudio with its own weights, 2 people", lambda model: trained(model, 2), 8, owners=contexts),
    ]


def theirs(folder: Path) -> list[Arm]:
    """ComfyUI_IPAdapter_plus with one person."""
    pack, clip_vision = load_pack(folder), load_clip_vision(make(CLIP_VISION))
    setting = KINDS["FaceID PlusV2"]
    return [Arm("IPAdapter_plus, FaceID, 1 person", lambda model: apply_theirs(pack, model, clip_vision, setting)[0])]


def _routed(uniportrait: Any, people: int) -> Callable[[Any], Any]:
    from likeness.host.uniportrait.application import apply

    return lambda model: apply(model, uniportrait, crowd(people), structure_scale=0.3, lora_strength=0.0).model


def _masked(uniportrait: Any, edge: int) -> Callable[[Any], Any]:
    """Two people, each in a half of the picture, between whom so many cells are shared."""
    from likeness.host.uniportrait.application import apply

    left = ((MASK / 2 + edge / 2 - torch.arange(MASK) - 0.5) / max(edge, 1)).clamp(0, 1)
    if not edge:
        left = left.ceil()
    halves = [side.expand(1, MASK, MASK).contiguous() for side in (left, 1 - left)]
    people = People()
    for number, mask in enumerate(halves):
        people = people.add(someone(seed=number, mask=mask))
    return lambda model: apply(model, uniportrait, people, structure_scale=0.3, lora_strength=0.0).model


def _faceid(model: Any) -> Any:
    from likeness.host.ip_adapter.application import apply

    return apply(model, load_faceid(), crowd(1), lora_strength=0.0).model


def _injected(model: Any, residual: Any) -> Any:
    from likeness.host.unet.attention import inject

    return inject(model, [residual], name="people")


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


if __name__ == "__main__":
    sys.exit(main())
