"""Configuration files over empty files, for the tests of sections and of what reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from likeness.models.errors import ConfigError
from likeness.training.config.file import read_config
from likeness.training.config.run import TrainingConfig
from likeness.training.methods import CONFIGS

STAGE1, STAGE2, PIVOT, FACEID, FACESTUDIO, PRIOR = (config.name for config in CONFIGS)
SMALLEST = {
    "run": {"output": '"runs/first"'},
    "base": {"checkpoint": '"base.safetensors"', "clip_vision": '"clip.safetensors"', "backbone": '"face.bin"'},
    "method": {"name": f'"{STAGE1}"'},
    "data": {"manifest": '"pictures/manifest.jsonl"'},
}
FILES = (
    "base.safetensors",
    "clip.safetensors",
    "face.bin",
    "pictures/manifest.jsonl",
    "start.safetensors",
    "arcface.onnx",
    "style.safetensors",
    "tower.safetensors",
)
STAGE2_KEYS = {"method.name": f'"{STAGE2}"', "method.init_from": '"start.safetensors"'}
PIVOT_KEYS = {
    "method.name": f'"{PIVOT}"',
    "method.pivot": '"start.safetensors"',
    "method.pivot_activation": '"gelu"',
    "method.pivot_mean": "[0.5, 0.5, 0.5]",
    "method.pivot_std": "[0.5, 0.5, 0.5]",
    "base.clip_vision": None,
    "base.backbone": None,
}
FACEID_KEYS = {
    "method.name": f'"{FACEID}"',
    "base.recogniser": '"arcface.onnx"',
    "base.clip_vision": None,
    "base.backbone": None,
}
FACESTUDIO_KEYS = {
    "method.name": f'"{FACESTUDIO}"',
    "base.recogniser": '"arcface.onnx"',
    "base.style": '["style.safetensors"]',
    "base.clip_vision": None,
    "base.backbone": None,
}
PRIOR_KEYS = {
    "method.name": f'"{PRIOR}"',
    "base.style": '["style.safetensors"]',
    "base.text_tower": '"tower.safetensors"',
    "base.checkpoint": None,
    "base.clip_vision": None,
    "base.backbone": None,
}


def write(folder: Path, changes: dict[str, str | None] | None = None) -> Path:
    """Write the smallest configuration with changes, {"section.key": TOML or None to drop it}, and the files it names."""
    (folder / "pictures").mkdir(exist_ok=True)
    for name in FILES:
        (folder / name).touch()
    tables = {section: dict(keys) for section, keys in SMALLEST.items()}
    for place, value in (changes or {}).items():
        section, _, name = place.partition(".")
        tables.setdefault(section, {})[name] = value
    lines = [
        f"[{section}]\n" + "".join(f"{name} = {value}\n" for name, value in keys.items() if value is not None)
        for section, keys in tables.items()
    ]
    path = folder / "run.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def config_of(path: Path) -> TrainingConfig:
    return read_config(path, CONFIGS)


def faults_of(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config_of(path)
    return str(caught.value).splitlines()[1:]
