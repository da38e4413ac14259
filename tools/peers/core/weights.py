"""A LoRA and a hypernetwork of random numbers for the miniature, in the layouts that the core reads."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from ....models.miniature.files import BASE

LORA, HYPERNETWORK = "core-beside.safetensors", "core-beside.pt"
RANK = 4
LORA_SIZE, HYPERNETWORK_SIZE = 0.5, 0.1  # of what is added, as a share of what is there
PREFIXES = {"model.diffusion_model.": "diffusion_model.", "cond_stage_model.": "text_encoders.clip_l."}
LAYERS = ("to_q.weight", "to_k.weight", "to_v.weight", "q_proj.weight", "v_proj.weight")
WIDTHS = (64, 128)  # of the UNet's levels and of the text


def make_files(folder: Path) -> dict[str, Path]:
    """Write both files; gives them by their name below ComfyUI's `models/`."""
    return {
        f"loras/{LORA}": _lora(folder / LORA),
        f"hypernetworks/{HYPERNETWORK}": _hypernetwork(folder / HYPERNETWORK),
    }


def _lora(path: Path) -> Path:
    """For all attention layers of the UNet and of the text encoder, under the core's own names."""
    random = _random(1)
    added: dict[str, Tensor] = {}
    with safe_open(BASE, "pt") as file:
        for name in file.keys():  # noqa: SIM118 - the file is no mapping
            prefix = next((each for each in PREFIXES if name.startswith(each)), None)
            if prefix is None or not name.endswith(LAYERS):
                continue
            weight = file.get_tensor(name).float()
            layer = PREFIXES[prefix] + name.removeprefix(prefix).removesuffix(".weight")
            size = LORA_SIZE * float(weight.std()) / math.sqrt(RANK)
            added[f"{layer}.lora_up.weight"] = random(weight.shape[0], RANK) * size
            added[f"{layer}.lora_down.weight"] = random(RANK, weight.shape[1])
    save_file(added, path)
    return path


def _hypernetwork(path: Path) -> Path:
    """For keys and values of every width, one linear layer each."""
    random = _random(2)
    added: dict[Any, Any] = {"activation_func": "linear"}
    for width in WIDTHS:
        size = HYPERNETWORK_SIZE / math.sqrt(width)
        added[width] = [
            {"linear.0.weight": random(width, width) * size, "linear.0.bias": torch.zeros(width)} for _ in range(2)
        ]
    torch.save(added, path)
    return path


def _random(seed: int) -> Callable[..., Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return lambda *shape: torch.randn(shape, generator=generator)
