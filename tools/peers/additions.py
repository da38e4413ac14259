"""What Apply IP-Adapter and ComfyUI_IPAdapter_plus add at every cross-attention layer, inside one ComfyUI's Python.

    <that ComfyUI's python> -m likeness.tools.peers.additions COMFYUI_FOLDER PACK_FOLDER

`equivalence` starts it. Full-size SD1.5 with random weights, 256², two steps through ComfyUI's sampler; both adapters as
`ip_adapter` applies them. A layer's addition is what reaches its output projection less its attention to the text.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..weights.write import CHECKPOINT, CLIP_VISION, FACEID_PLUS, IP_ADAPTER_PLUS, make
from .ip_adapter import Setting, apply_ours, apply_theirs, load_clip_vision
from .process import load_pack, prepare, sample_two_steps

SIDE, CONTEXT = 32, 768  # of the latent; of SD1.5's text
SITES = 15  # at which that pack is called, of 16
MOST = 1e-4  # difference of what is added, as a share of the layer's largest value
FIRES = 1e-5  # least share of the attention to the text that counts as an addition
# Its keys are those of PlusV2; both packs tell it by its name.
WITHOUT_SHORTCUT = replace(FACEID_PLUS, name="ip-adapter-faceid-plus_sd15.bin")
SETTINGS: Mapping[str, Setting] = {
    "FaceID PlusV2, weight 0.8": Setting(file=FACEID_PLUS, strength=0.8),
    "FaceID PlusV2, weight 1.3, structure 0.5, second half": Setting(
        file=FACEID_PLUS, strength=1.3, structure=0.5, start=0.5
    ),
    "FaceID PlusV2, weight 0.8, LoRA 0.6": Setting(file=FACEID_PLUS, strength=0.8, lora=0.6),
    "FaceID Plus, weight 0.8": Setting(file=WITHOUT_SHORTCUT, strength=0.8),
    "Plus, weight 0.8": Setting(file=IP_ADAPTER_PLUS, strength=0.8),
}

Additions = dict[int, list[Tensor]]  # (B, L, C) of every call of the UNet by site index, where something was added


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How far two packs differ.

    Attributes:
        sites: at which theirs adds something.
        same: whether ours adds something at the same ones, as often.
        apart: largest difference of what both add at one of them, as a share of the largest value that theirs adds there.
        latent: largest difference of the latents, as a share of their largest value.
    """

    sites: int
    same: bool
    apart: float
    latent: float

    @property
    def failed(self) -> bool:
        """Whether they differ by more than they may, or not everything took part."""
        return not self.same or self.sites != SITES or max(self.apart, self.latent) > MOST

    def __str__(self) -> str:
        return (
            f"{self.apart:.1e} apart at {self.sites} sites{'' if self.same else ', not at the same ones'} (shares of each "
            f"site's largest addition), latents {self.latent:.1e}"
        )


def main() -> int:
    """Print a line for each setting; 1 where one differs by more than it may."""
    comfyui, pack = sys.argv[1], Path(sys.argv[2])
    failed = False
    with tempfile.TemporaryDirectory(prefix="likeness-additions-") as base:
        prepare(comfyui, base)
        with torch.inference_mode():
            theirs, model, clip_vision = load_pack(pack), load_model(), load_clip_vision(make(CLIP_VISION))
            for name, setting in SETTINGS.items():
                other, crop = apply_theirs(theirs, model, clip_vision, setting)
                found = compare(added(apply_ours(model, clip_vision, setting, crop)), added(other))
                failed |= found.failed
                print(f"  {name}: {found}", flush=True)
    return int(failed)


def load_model() -> Any:
    """A full-size SD1.5 MODEL with random weights, as its loader node gives it."""
    from comfy.sd import load_checkpoint_guess_config

    return load_checkpoint_guess_config(str(make(CHECKPOINT)), output_vae=False, output_clip=False)[0]


def compare(ours: tuple[Additions, Tensor], theirs: tuple[Additions, Tensor]) -> Difference:
    """Hold additions and latents of two packs against each other."""
    (mine, latent), (others, other_latent) = ours, theirs
    return Difference(
        sites=len(others),
        same={index: len(calls) for index, calls in mine.items()}
        == {index: len(calls) for index, calls in others.items()},
        apart=max((_apart(mine[index], calls) for index, calls in others.items() if index in mine), default=0.0),
        latent=_apart([latent], [other_latent]),
    )


def added(model: Any, *, side: int = SIDE, context: int = CONTEXT) -> tuple[Additions, Tensor]:
    """Sample two steps of a MODEL.

    Args:
        model: a MODEL.
        side: of the latent.
        context: width of the text.

    Returns:
        What was added at each cross-attention layer, and the latent.
    """
    from ...host.unet.sites import find_sites, unet_of

    network, found, hooks = unet_of(model), Additions(), []
    for site in find_sites(network):
        if site.kind == "cross":
            hooks += watch(network.get_submodule(site.path), partial(_keep, found, site.index))
    try:
        return found, sample_two_steps(model, side=side, context=context)
    finally:
        for hook in hooks:
            hook.remove()


def watch(layer: Any, keep: Callable[[Tensor, Tensor], None]) -> list[Any]:
    """Hand what reaches a layer's output projection, and its attention to the text, to `keep` in every call.

    Args:
        layer: a cross-attention of ComfyUI's.
        keep: is given both, (B, L, C) each.

    Returns:
        Hooks to remove.
    """
    from comfy.ldm.modules.attention import optimized_attention

    parts: dict[str, Tensor] = {}

    def note(part: str) -> Callable[[Any, Any, Tensor], None]:
        return lambda _, __, output: parts.update({part: output})

    def arrive(_: Any, inputs: tuple[Tensor, ...]) -> None:
        keep(inputs[0], optimized_attention(*(parts[part] for part in "qkv"), layer.heads))

    projections = [getattr(layer, f"to_{part}").register_forward_hook(note(part)) for part in "qkv"]
    return [*projections, layer.to_out.register_forward_pre_hook(arrive)]


def _keep(found: Additions, index: int, arrived: Tensor, text: Tensor) -> None:
    addition = arrived - text
    if addition.abs().max() > FIRES * text.abs().max():
        found.setdefault(index, []).append(addition)


def _apart(ours: list[Tensor], theirs: list[Tensor]) -> float:
    differences = [float((mine - other).abs().max()) for mine, other in zip(ours, theirs, strict=False)]
    return max(differences) / max(float(other.abs().max()) for other in theirs)


if __name__ == "__main__":
    sys.exit(main())
