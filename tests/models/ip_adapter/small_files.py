"""Small random IP-Adapter files in the published layouts: every network, and the layers of SD1.5 and of SDXL."""

from __future__ import annotations

from itertools import count

import torch
from likeness.models.adapters.id_projection import FacesProjection, IDProjection
from likeness.models.adapters.resampler import LearnedResampler, ResamplerSizes
from likeness.models.ip_adapter.layers import SD15, SDXL, attention_paths
from likeness.models.ip_adapter.projection import FullFaceProjection, ImagePromptProjection
from torch import Tensor, nn

HEAD, FACE, CLIP, WIDTH, TOKENS = 8, 512, 10, 16, 4  # widths of head, face vector, CLIP and context; tokens
CHANNELS, RANK = 6, 2
STRUCTURES = {"sd15": SD15, "sdxl": SDXL}


def sizes(features: int) -> ResamplerSizes:
    return ResamplerSizes(
        features=features, dim=WIDTH, inner=2 * HEAD, dim_head=HEAD, hidden=4 * WIDTH, depth=2, output=WIDTH
    )


NETWORKS = {
    "plain": lambda: ImagePromptProjection(CLIP, TOKENS, WIDTH),
    "full face": lambda: FullFaceProjection(CLIP, WIDTH),
    "faceid": lambda: FacesProjection(FACE, 12, TOKENS, WIDTH),
    "portrait": lambda: FacesProjection(FACE, 12, 16, WIDTH),
    "faceid plus": lambda: IDProjection(FACE, 12, TOKENS, sizes(CLIP)),
    "plus": lambda: LearnedResampler(sizes(CLIP), 16),
    "portrait unnorm": lambda: LearnedResampler(sizes(FACE), 16),
}
WITH_LORA = ("faceid", "faceid plus")


def random_weights(module: nn.Module, seed: int = 1) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {key: 0.3 * torch.randn(tensor.shape, generator=generator) for key, tensor in module.state_dict().items()}


def number_of_layers(base: str) -> int:
    return len(attention_paths(STRUCTURES[base]))


def layers(base: str, *, lora: bool, width: int = WIDTH, seed: int = 2) -> dict[str, Tensor]:
    """The `ip_adapter` group: cross-attention's keys and values, and with `lora` four pairs for every layer."""
    generator, found = torch.Generator().manual_seed(seed), {}
    for index in range(number_of_layers(base)):
        if lora:
            found.update(lora_of_layer(index, generator, width))
        if index % 2:
            for part in "kv":
                found[f"{index}.to_{part}_ip.weight"] = torch.randn(CHANNELS, width, generator=generator)
    return found


def lora_of_layer(index: int, generator: torch.Generator, width: int = WIDTH) -> dict[str, Tensor]:
    read = width if index % 2 else CHANNELS
    found = {}
    for part, inputs in (("q", CHANNELS), ("k", read), ("v", read), ("out", CHANNELS)):
        found[f"{index}.to_{part}_lora.down.weight"] = torch.randn(RANK, inputs, generator=generator)
        found[f"{index}.to_{part}_lora.up.weight"] = torch.randn(CHANNELS, RANK, generator=generator)
    return found


def adapter_file(network: str, base: str = "sd15", *, lora: bool | None = None) -> dict[str, dict[str, Tensor]]:
    """A file as published in a `.bin`; `lora` is by default where the published files have it."""
    has_lora = network in WITH_LORA if lora is None else lora
    file = {"image_proj": random_weights(NETWORKS[network]()), "ip_adapter": layers(base, lora=has_lora)}
    return halved(file) if network == "portrait unnorm" else file


def halved(file: dict[str, dict[str, Tensor]]) -> dict[str, dict[str, Tensor]]:
    """The same with `ip_adapter` in float16."""
    return file | {"ip_adapter": {key: tensor.half() for key, tensor in file["ip_adapter"].items()}}


def lora_file(
    base: str = "sd15", *, inside: dict[str, Tensor] | None = None, alpha: int | None = None
) -> dict[str, Tensor]:
    """A separate LoRA file; `inside` is the `ip_adapter` group of the adapter that it repeats."""
    group = inside or layers(base, lora=True, seed=5)
    found: dict[str, Tensor] = {}
    for index, path in zip(count(), attention_paths(STRUCTURES[base]), strict=False):
        for part, name in (("q", "q"), ("k", "k"), ("v", "v"), ("out", "out_0")):
            stem = f"lora_unet_{path.replace('.', '_')}_to_{name}"
            for half in ("down", "up"):
                found[f"{stem}.lora_{half}.weight"] = group[f"{index}.to_{part}_lora.{half}.weight"]
            if alpha is not None:
                found[f"{stem}.alpha"] = torch.tensor(alpha)
    return found
