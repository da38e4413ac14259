"""Everything that a configuration names, small: files in the published layouts, pictures, the configuration itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from likeness.models.omniportrait.image_encoder import ImageEncoderConfig, PivotImageEncoder
from likeness.tests.diffusers_host.small_checkpoints import small_checkpoint
from likeness.tests.training.small_pictures import person, row, write_manifest, write_pictures
from likeness.tools.weights import layouts
from likeness.tools.weights.write import fill
from safetensors.torch import save_file

STAGES = ((1, 8), (1, 8), (1, 16), (1, 16))
PEOPLE = ((8, 28), (44, 28))  # left edge and side of the faces in a picture of two


def small_clip_vision():
    return fill({"": layouts.clip_vision(2, 32)}, torch.float32)[""]


def small_backbone():
    return fill({"": layouts.iresnet(STAGES)}, torch.float32)[""]


TOWER = ImageEncoderConfig(
    vision={"layers": 3, "width": 64, "patch_size": 8, "image_size": 16, "head_width": 64, "mlp_ratio": 2.0},
    embed_dim=12,
    activation="quick_gelu",
    mean=(0.5, 0.4, 0.3),
    std=(0.2, 0.3, 0.4),
)
PIVOT = {  # keys of a configuration that trains a pivot around `TOWER`
    "method__name": "omniportrait-pivot", "method__pivot": "models/tower.safetensors", "method__pivot_activation": "quick_gelu",
    "method__pivot_mean": [0.5, 0.4, 0.3], "method__pivot_std": [0.2, 0.3, 0.4], "base__clip_vision": None,
    "base__backbone": None,
}  # fmt: skip


def write_tower(path: Path) -> None:
    """The image encoder that a pivot begins with, beside a text tower as open_clip's files have one."""
    torch.manual_seed(3)
    tower = PivotImageEncoder(TOWER).state_dict()
    save_file({**tower, "text_projection": torch.zeros(2, 2), "logit_scale": torch.zeros(())}, path)


def write_models(folder: Path, family: str = "sd15") -> None:
    folder.mkdir()
    save_file(small_checkpoint(family), folder / "base.safetensors")
    save_file(small_clip_vision(), folder / "clip_vision.safetensors")
    torch.save(small_backbone(), folder / "backbone.bin")
    write_tower(folder / "tower.safetensors")


def write_data(folder: Path, *, alone: int = 4, pairs: int = 4) -> None:
    """Pictures of one and of two people; the first two of one person each show Ann."""
    folder.mkdir()
    rows = [row(number, person(identity="ann" if number < 2 else None)) for number in range(alone)]
    rows += [
        row(number, *(person(x, 20, side) for x, side in PEOPLE), caption="two people")
        for number in range(alone, alone + pairs)
    ]
    write_pictures(folder, rows)
    write_manifest(folder, rows)


def write_config(folder: Path, name: str = "config.toml", **keys: Any) -> Path:
    """A configuration of 2 steps over the files of this module; keys are named section__key."""
    tables: dict[str, dict[str, Any]] = {
        "run": {"output": "run", "steps": 2, "log_every": 1},
        "base": {
            "checkpoint": "models/base.safetensors",
            "clip_vision": "models/clip_vision.safetensors",
            "backbone": "models/backbone.bin",
        },
        "method": {"name": "uniportrait-stage1"},
        "data": {"manifest": "data/manifest.jsonl", "size": 64, "batch_size": 2, "workers": 0},
    }
    for place, value in keys.items():
        section, _, key = place.partition("__")
        tables.setdefault(section, {})[key] = value
    for section in tables.values():  # None takes a key out
        for key in [key for key, value in section.items() if value is None]:
            del section[key]
    lines = [
        line
        for section, values in tables.items()
        for line in (f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()))
    ]
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
