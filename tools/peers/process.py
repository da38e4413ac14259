"""One ComfyUI inside a process: starting it, what other packs need to be imported there, and two steps of sampling."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from ..caches import write_elsewhere
from ..comfyui.folders import REPOSITORY, ComfyFolder


def start(folder: ComfyFolder, module: str, *arguments: object) -> bool:
    """Run one of these programs with a ComfyUI's own Python, its folder as the first argument.

    Args:
        folder: the ComfyUI.
        module: of this folder.
        arguments: behind the folder.

    Returns:
        Whether it failed.
    """
    command = [folder.python, "-m", f"likeness.tools.peers.{module}", folder.path, *arguments]
    run = subprocess.run(
        [str(part) for part in command],
        cwd=REPOSITORY.parent,
        env={**os.environ, **write_elsewhere("peers")},
        check=False,
    )
    return run.returncode != 0


def prepare(comfyui: str, base: str) -> None:
    """Make ComfyUI importable, on the CPU, with its folders in `base`."""
    sys.path[:] = [comfyui, *(entry for entry in sys.path if entry not in ("", os.getcwd()))]
    from comfy.cli_args import args

    args.cpu = True
    args.base_directory = base


def load_pack(folder: Path) -> ModuleType:
    """Import a pack as ComfyUI does: by its path."""
    name = folder.name.replace("-", "_")
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(str(folder))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def sample_two_steps(model: Any, *, side: int, context: int) -> Tensor:
    """A latent (1, 4, side, side) of random noise and texts, the same ones every time.

    Args:
        model: a MODEL.
        side: of the latent.
        context: width of the text.
    """
    from comfy import sample

    generator = torch.Generator().manual_seed(6)
    noise, *texts = (torch.randn(shape, generator=generator) for shape in ((1, 4, side, side), *[(1, 7, context)] * 2))
    positive, negative = ([[text, {"pooled_output": None}]] for text in texts)
    latent = torch.zeros_like(noise)
    settings = {"denoise": 1.0, "disable_pbar": True, "seed": 6}
    return sample.sample(model, noise, 2, 7.5, "ddim", "ddim_uniform", positive, negative, latent, **settings)
