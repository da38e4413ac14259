"""What placing two people costs per UNet call: full-size SDXL and SD1.5, a guidance pair, in matrix products.

Usage: PYTHON_OF_A_COMFYUI -m likeness.benchmarks.placement_cost

Everything runs on the meta device: shapes without values, so nothing takes time and nothing has to be there. Each placement is
compared with the same two people who share every place, whose placing is free. A look at words is counted with its reading in
the layers and the spreading by self-attention (Eq. 6); cleaning a mask of at most some thousand cells has no matrix product. A look at
faces is one decoding by the VAE, every fourth step, at most 640 pixels wide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from likeness.models.placement.words import SeenWords, WordLook
from likeness.tools.weights.layouts import SD15, SDXL, UNetShape
from torch import nn

from .comfy_process import META, comfyui, flops, meta_model, parser, unet_call
from .operations import count_flops

PEOPLE, TOKENS = 2, 4
ROWS = ((0, 3), (0, 4), (1, 8), (1, 9))
SIDES: tuple[tuple[str, UNetShape, int], ...] = (("SDXL", SDXL, 1024), ("SD1.5", SD15, 512))
TARGETS = {"masks": 0.1, "words": 1.0}  # most per cent of the call, SDXL


class CountedLook(WordLook):
    """Does what has matrix products in a look at words, and keeps nothing."""

    def take(self, memory: Any, seen: SeenWords) -> None:
        """Spread everybody's attention as Eq. 6 does."""
        del memory
        columns = torch.stack(list(seen.attention.columns.values()), dim=1)
        seen.attention.spread(columns.new_empty(*columns.shape[:2], seen.attention.grid[0] * seen.attention.grid[1]))


def main() -> None:
    """Print one line per placement."""
    given = parser(__doc__).parse_args()
    with comfyui(given.comfyui) as (_, version):
        print(f"ComfyUI {version}, torch {torch.__version__}, matrix products of a guidance pair on the meta device")
        for name, shape, side in SIDES:
            plain = meta_model(shape)
            _report(name, side, {way: place(plain) for way, place in PLACED.items()})
        print(f"a look at faces, SDXL 1024x1024: decoding {_decoding() / 1e12:.2f} TFLOP, every fourth step")


def placed(model: Any, placement: Any, watches: tuple[Any, ...] = ()) -> Any:
    """A MODEL with two people on the meta device."""
    from likeness.host.looking.watch import watch
    from likeness.host.unet.attention import inject
    from likeness.host.unet.sites import context_width, find_sites, unet_of
    from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection
    from likeness.models.adapters.identity_attention import Acting, IdentityResidual

    unet = unet_of(model)
    width = context_width(unet)
    with META:
        sites = {str(s.index): KeyValueProjection(width, s.channels) for s in find_sites(unet) if s.kind == "cross"}
        tokens = torch.empty(PEOPLE, TOKENS, width)
    people = tuple(Acting(name=f"person {number}", strength=1.0) for number in range(1, PEOPLE + 1))
    attention = nn.ModuleDict(sites).requires_grad_(False)
    residual = IdentityResidual(attention, tokens, tokens[:1], people, placement)
    clone = inject(model, [residual], name="people")
    watch(clone, watches)
    return clone


def _everywhere(model: Any) -> Any:
    from likeness.models.placement.placements import Everywhere

    return placed(model, Everywhere(PEOPLE))


def _masks(model: Any) -> Any:
    from likeness.models.placement.placements import Masks

    left, right = torch.zeros(PEOPLE, 1, 128, 128)
    left[..., :64], right[..., 64:] = 1, 1
    return placed(model, Masks((left, right)))


def _words(model: Any) -> Any:
    from likeness.host.looking.words import WordWatch
    from likeness.models.placement.found import Found

    look = CountedLook()
    return placed(model, Found(look, (0, 1)), (WordWatch(look, {0: "person 1", 1: "person 2"}),))


PLACED: Mapping[str, Callable[[Any], Any]] = {"shared by all": _everywhere, "masks": _masks, "words": _words}


def _report(name: str, side: int, models: Mapping[str, Any]) -> None:
    work = {way: flops(unet_call(model, side, named_rows=ROWS)) for way, model in models.items()}
    shared = work.pop("shared by all")
    print(f"\n{name}, {side}x{side}: {shared / 1e12:.3f} TFLOP with two people")
    for way, total in work.items():
        more = 100 * (total / shared - 1)
        verdict = (
            "" if name != "SDXL" else f"  at most {TARGETS[way]:+.1f} %: {'met' if more <= TARGETS[way] else 'MISSED'}"
        )
        print(f"{way:>8}  {more:+.3f} %{verdict}")


def _decoding() -> int:
    """FLOP of decoding one preview of a latent of 128x128 by SDXL's VAE."""
    from comfy.ldm.models.autoencoder import AutoencoderKL
    from comfy.ldm.modules.diffusionmodules.model import pytorch_attention
    from likeness.host.looking.faces import MOST_CELLS

    levels = {"ch": 128, "ch_mult": [1, 2, 4, 4], "num_res_blocks": 2, "attn_resolutions": []}
    sizes = {"double_z": True, "z_channels": 4, "resolution": 256, "in_channels": 3, "out_ch": 3, "dropout": 0.0}
    with META:
        vae: Any = AutoencoderKL(ddconfig={**levels, **sizes}, embed_dim=4)
        vae.decoder.mid.attn_1.optimized_attention = pytorch_attention  # the other one asks the device for free memory
        return count_flops(lambda: vae.decode(torch.empty(1, 4, MOST_CELLS, MOST_CELLS)))


if __name__ == "__main__":
    main()
