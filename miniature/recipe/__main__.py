"""Command: train the whole miniature from its seeds. `python -m likeness.miniature.recipe`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import torch

from ...models.consistentid.checkpoint import TRAINED_AS
from ...models.errors import LikenessError
from ...models.miniature.files import (
    BASE,
    CONSISTENTID,
    FACES,
    JUDGE,
    OMNIPORTRAIT,
    STAGE_ONE,
    STAGE_TWO,
    UNIPORTRAIT,
    WEIGHTS,
)
from ...models.omniportrait.checkpoint import adapter_metadata
from ..judge.file import write_judge
from ..networks.checkpoint import write_base
from ..networks.weights_file import write_weights
from .faces_file import write_face_networks
from .recipe import Recipe
from .steps.omniportrait import CONFIG

logger = logging.getLogger("likeness.miniature")

Work = Callable[[Recipe], object]


def base_model(recipe: Recipe) -> None:
    """Make VAE, UNet and text encoder."""
    recipe.base()


def small_networks(recipe: Recipe) -> None:
    """Make whatever looks at pictures."""
    recipe.judge()
    recipe.finder()
    recipe.faces()
    recipe.parser()


def uniportrait(recipe: Recipe) -> None:
    """Make both stages of UniPortrait."""
    recipe.stage_two(recipe.base(), recipe.faces())


def consistentid_and_omniportrait(recipe: Recipe) -> None:
    """Make ConsistentID, then OmniPortrait's pivot: together they take as long as UniPortrait's stages."""
    recipe.consistentid(recipe.base(), recipe.faces())
    recipe.omniportrait(recipe.base())


# What may be done side by side, each in a process of its own; a line begins when the one before is finished.
PHASES: tuple[tuple[Work, ...], ...] = ((base_model, small_networks), (uniportrait, consistentid_and_omniportrait))


def main() -> int:
    """Train what is not there yet, then write the files; return 0 when they are there, 1 after a fault."""
    parser = argparse.ArgumentParser(prog="python -m likeness.miniature.recipe", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="of what is kept on the way")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    started = time.monotonic()
    try:
        for phase in PHASES:
            _side_by_side(phase, options.folder)
        write_files(Recipe(options.folder), WEIGHTS)
    except LikenessError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"miniature: written to {WEIGHTS.name}/ ({(time.monotonic() - started) / 60:.0f} min)\n")
    return 0


def write_files(recipe: Recipe, folder: Path) -> None:
    """Write the files that ship into a folder, by the names of `models.miniature.files`."""
    base, faces, judge = recipe.base(), recipe.faces(), recipe.judge()
    notes = {"licence": "Apache-2.0", "made_by": "likeness.miniature.recipe", "seed": json.dumps(recipe.settings.seed)}
    write_base(folder / BASE.name, base, recipe.settings.sizes, metadata=notes)
    write_face_networks(
        folder / FACES.name,
        finder=recipe.finder(),
        parser=recipe.parser().network,
        backbone=faces.backbone,
        image_encoder=faces.image_encoder,
        metadata=notes,
    )
    stages = {STAGE_ONE: recipe.stage_one(base, faces), STAGE_TWO: recipe.stage_two(base, faces)}
    adapter = {prefix + key: tensor for prefix, stage in stages.items() for key, tensor in stage.items()}
    write_weights(folder / UNIPORTRAIT.name, adapter, notes)
    write_weights(folder / OMNIPORTRAIT.name, recipe.omniportrait(base), {**notes, **adapter_metadata(CONFIG)})
    write_weights(folder / CONSISTENTID.name, recipe.consistentid(base, faces), {**notes, TRAINED_AS: "corrected"})
    write_judge(folder / JUDGE.name, judge, notes)


def _side_by_side(phase: tuple[Work, ...], folder: Path) -> None:
    threads = max(1, (os.cpu_count() or 1) // len(phase))
    with ProcessPoolExecutor(len(phase), mp_context=get_context("spawn")) as pool:
        running = [pool.submit(_work, work, folder, threads) for work in phase]
        for finished in as_completed(running):
            finished.result()


def _work(work: Work, folder: Path, threads: int) -> None:
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {work.__name__}: %(message)s", stream=sys.stdout)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    work(Recipe(folder))


if __name__ == "__main__":
    sys.exit(main())
