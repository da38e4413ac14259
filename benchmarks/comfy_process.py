"""A ComfyUI inside this process: full-size random models, and people applied by the pack's own host code."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from likeness.models.attention import Polarity
from likeness.tools.caches import write_elsewhere
from likeness.tools.comfy_folders import VARIABLE, find_comfy_folders
from likeness.tools.random_weights import BACKBONE, CHECKPOINT, FACEID, ROUTER, make

TEXT_TOKENS = 77
TEXT_WIDTH = 768
TIMESTEP = 500


def parser(description: str | None) -> argparse.ArgumentParser:
    """Arguments that every program here has."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--comfyui", type=Path, default=os.environ.get("LIKENESS_COMFYUI"), help="ComfyUI's folder")
    made.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch")
    return made


@contextmanager
def comfyui(named: Path | None) -> Iterator[tuple[Path, str]]:
    """Make ComfyUI importable, on the CPU, writing nothing into its folder.

    Yields:
        Its folder and version.
    """
    folder = named or next((found.path for found in find_comfy_folders()), None)
    if folder is None:
        raise SystemExit(f"No ComfyUI found; set {VARIABLE} or give --comfyui.")
    elsewhere = write_elsewhere("benchmarks")
    sys.pycache_prefix = elsewhere["PYTHONPYCACHEPREFIX"]
    os.environ.update(elsewhere)
    sys.path.insert(0, str(folder))
    from comfy.cli_args import args
    from comfyui_version import __version__ as version

    with tempfile.TemporaryDirectory(prefix="likeness-bench-") as base:
        args.cpu, args.base_directory = True, base
        import_module("likeness.host.uniportrait")  # now, since ComfyUI's own imports take seconds
        with torch.inference_mode():
            yield folder, version


def load_model() -> Any:
    """A MODEL of full-size SD1.5 with random weights, as CheckpointLoaderSimple gives it (float32 on the CPU)."""
    import comfy.sd

    model, *_ = comfy.sd.load_checkpoint_guess_config(str(make(CHECKPOINT)), output_vae=False, output_clip=False)
    return model


def adapter_files() -> tuple[Path, Path, Path]:
    """UniPortrait's faceid, backbone and router file with random weights, made at the first request."""
    return make(FACEID), make(BACKBONE), make(ROUTER)


def load_adapter(faceid: Path, backbone: Path, router: Path) -> Any:
    """The three files as the loader node gives them."""
    from likeness.host.uniportrait import load_uniportrait

    return load_uniportrait(faceid, backbone, router, None)


def random_people(count: int) -> Any:
    """Identities with random features of the published sizes."""
    from likeness.models.uniportrait.features import ReferenceFeatures
    from likeness.models.uniportrait.identity import Identities, Identity

    generator = torch.Generator().manual_seed(count)

    def randn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    people = tuple(
        Identity(
            name=f"person {number + 1}",
            features=ReferenceFeatures(intrinsic=randn(1, 49, 512), structure=randn(1, 256, 1728)),
        )
        for number in range(count)
    )
    return Identities(people=people, null_clip_tokens=randn(1, 256, 1280))


def unet_call(model: Any, side: int) -> Callable[[], torch.Tensor]:
    """One call of a MODEL's UNet with a guidance pair: a positive and a negative row in one batch.

    Args:
        model: with or without people.
        side: of the picture, pixels.
    """
    from likeness.host.sampling import CONDS_KEY, RUN_KEY, CondInfo
    from likeness.models.attention import Run

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 4, side // 8, side // 8, generator=generator).repeat(2, 1, 1, 1)
    text = torch.randn(2, TEXT_TOKENS, TEXT_WIDTH, generator=generator)
    conds = {uuid.uuid4(): CondInfo(polarity) for polarity in (Polarity.POSITIVE, Polarity.NEGATIVE)}
    timesteps = torch.full((2,), float(TIMESTEP))
    sigma = model.get_model_object("model_sampling").sigma(timesteps[:1])
    options = {
        **model.model_options["transformer_options"],
        "wrappers": model.wrappers,
        "cond_or_uncond": [0, 1],
        "uuids": list(conds),
        "sigmas": sigma.repeat(2),
        CONDS_KEY: conds,
        RUN_KEY: Run(),
    }
    network = model.model.diffusion_model
    return lambda: network(x, timesteps, context=text, transformer_options=dict(options))
