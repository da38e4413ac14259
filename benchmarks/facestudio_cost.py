"""What FaceStudio costs per UNet call: full-size SDXL and SD1.5, a guidance pair, in matrix products.

Usage: PYTHON_OF_A_COMFYUI -m likeness.benchmarks.facestudio_cost

Everything runs on the meta device: shapes without values. Each call is compared with the plain one, whose texts have 77 tokens. From
IP-Adapters a style and each person add four tokens to that text; a trained file puts its own contexts of eight tokens in its place,
one for the background and one for each person who has a region. LoRA is part of the weights and costs nothing.
"""

from __future__ import annotations

from typing import Any

import torch
from likeness.tools.weights.layouts import SD15, SDXL, UNetShape
from torch import nn

from .comfy_process import META, comfyui, flops, meta_model, parser, unet_call

PEOPLE = (1, 2, 4)
ADAPTER_TOKENS, CONTEXT_TOKENS = 4, 8
SIDES: tuple[tuple[str, UNetShape, int], ...] = (("SDXL", SDXL, 1024), ("SD1.5", SD15, 512))
ZERO_SHOT = {2: 2.0, 4: 4.0}  # most per cent beyond the plain call, by people
TRAINED = 0.0


def main() -> None:
    """Print a line for each form and number of people."""
    given = parser(__doc__).parse_args()
    with comfyui(given.comfyui) as (_, version):
        print(f"ComfyUI {version}, torch {torch.__version__}, matrix products of a guidance pair on the meta device")
        for name, shape, side in SIDES:
            report(name, side, meta_model(shape))


def report(name: str, side: int, plain: Any) -> None:
    """Print what each form costs on a MODEL without values."""
    work = flops(unet_call(plain, side))
    print(f"\n{name}, {side}x{side}: {work / 1e12:.3f} TFLOP of the plain call")
    for people in PEOPLE:
        total = flops(unet_call(zero_shot(plain, people), side))
        _line("from IP-Adapters", people, total / work, ZERO_SHOT.get(people))
    for people in PEOPLE:
        owners = tuple(person for person in range(-1, people) for _ in range(CONTEXT_TOKENS))
        call = unet_call(trained(plain, people), side, owners=owners, text_tokens=len(owners))
        _line("trained", people, flops(call) / work, TRAINED)


def zero_shot(model: Any, people: int) -> Any:
    """A MODEL with a style and some people from IP-Adapters, each with a mask."""
    from likeness.host.unet.attention import inject
    from likeness.host.unet.sites import context_width, find_sites, unet_of
    from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection
    from likeness.models.adapters.identity_attention import IdentityResidual
    from likeness.models.ip_adapter.application import PictureResidual

    unet = unet_of(model)
    width = context_width(unet)
    with META:
        sites = {str(s.index): KeyValueProjection(width, s.channels) for s in find_sites(unet) if s.kind == "cross"}
        tokens = torch.empty(people, ADAPTER_TOKENS, width)
    attention = nn.ModuleDict(sites).requires_grad_(False)
    style = PictureResidual(attention, tokens[:1], tokens[:1], 0.6)
    faces = IdentityResidual(attention, tokens, tokens[:1], _acting(people), _masks(people))
    return inject(inject(model, [style], name="style"), [faces], name="people")


def trained(model: Any, people: int) -> Any:
    """A MODEL whose people each read their own context."""
    from likeness.host.unet.attention import inject
    from likeness.models.facestudio.application import RegionalContexts

    return inject(model, [RegionalContexts(_acting(people), _masks(people))], name="people")


def _acting(people: int) -> Any:
    from likeness.models.adapters.identity_attention import Acting

    return tuple(Acting(name=f"person {number}", strength=1.0) for number in range(1, people + 1))


def _masks(people: int) -> Any:
    from likeness.models.facestudio.places import MaskedRegions

    masks = torch.zeros(people, 1, 64, 64)
    for number, mask in enumerate(masks):
        mask[..., number * 64 // people : (number + 1) * 64 // people - 4] = 1
    return MaskedRegions(tuple(masks))


def _line(form: str, people: int, ratio: float, most: float | None) -> None:
    more = 100 * (ratio - 1)
    verdict = "" if most is None else f"  at most {most:+.0f} %: {'met' if more <= most else 'MISSED'}"
    print(f"{form:>16}, {people} {'person' if people == 1 else 'people'}  {more:+.3f} %{verdict}", flush=True)


if __name__ == "__main__":
    main()
