"""Command: train the whole miniature from its seeds. `python -m likeness.miniature.recipe`.

With `--only NAME` one adapter is trained on the base model and the face networks that ship, and nothing else: these are rounded to
float16, so what comes out is not to the bit what the whole recipe makes.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
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
    FACESTUDIO,
    IP_ADAPTER,
    JUDGE,
    OMNIPORTRAIT,
    PRIOR,
    STAGE_ONE,
    STAGE_TWO,
    STYLE_ADAPTER,
    STYLED_READERS,
    UNIPORTRAIT,
    WEIGHTS,
)
from ...models.omniportrait.checkpoint import adapter_metadata
from ..judge.file import write_judge, write_styled_readers
from ..networks.checkpoint import write_base
from ..networks.weights_file import write_weights
from .faces_file import write_face_networks
from .recipe import Recipe
from .shipped import ShippedRecipe
from .steps.omniportrait import CONFIG
from .steps.prior import DESCRIPTION
from .styles.recipe import StyleRecipe

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


def ip_adapter(recipe: Recipe) -> None:
    """Make IP-Adapter FaceID, from the pictures that UniPortrait's first stage was made from."""
    recipe.ip_adapter(recipe.base(), recipe.faces())


def facestudio(recipe: Recipe) -> None:
    """Make FaceStudio with the prior and the adapter beside it."""
    styles = StyleRecipe(recipe)
    styles.facestudio()
    styles.style_adapter()
    styles.prior()


def styled_judge(recipe: Recipe) -> None:
    """Make the readers of a judge who knows all styles."""
    recipe.styled_judge()


# What may be done side by side, each in a process of its own; a line begins when the one before is finished.
PHASES: tuple[tuple[Work, ...], ...] = (
    (base_model, small_networks),
    (uniportrait, consistentid_and_omniportrait),
    (ip_adapter, styled_judge),
    (facestudio,),
)


def main() -> int:
    """Train what is not there yet, then write the files; return 0 when they are there, 1 after a fault."""
    parser = argparse.ArgumentParser(prog="python -m likeness.miniature.recipe", description="Train the miniature.")
    parser.add_argument("--folder", type=Path, required=True, help="of what is kept on the way")
    parser.add_argument(
        "--only",
        choices=ADAPTERS,
        help="train and write this adapter alone, on the files that ship; in a folder where no whole recipe was made",
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    started = time.monotonic()
    try:
        if options.only:
            torch.set_flush_denormal(True)
            ADAPTERS[options.only](ShippedRecipe(options.folder), WEIGHTS)
        else:
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
    base, faces, notes = recipe.base(), recipe.faces(), _notes(recipe)
    write_base(folder / BASE.name, base, recipe.settings.sizes, metadata=notes)
    write_face_networks(
        folder / FACES.name,
        finder=recipe.finder(),
        parser=recipe.parser().network,
        backbone=faces.backbone,
        image_encoder=faces.image_encoder,
        metadata=notes,
    )
    for write in ADAPTERS.values():
        write(recipe, folder)
    write_judge(folder / JUDGE.name, recipe.judge(), notes)


def write_uniportrait(recipe: Recipe, folder: Path) -> None:
    """Write both stages of UniPortrait into a folder."""
    base, faces = recipe.base(), recipe.faces()
    stages = {STAGE_ONE: recipe.stage_one(base, faces), STAGE_TWO: recipe.stage_two(base, faces)}
    adapter = {prefix + key: tensor for prefix, stage in stages.items() for key, tensor in stage.items()}
    write_weights(folder / UNIPORTRAIT.name, adapter, _notes(recipe))


def write_omniportrait(recipe: Recipe, folder: Path) -> None:
    """Write OmniPortrait's pivot into a folder."""
    notes = {**_notes(recipe), **adapter_metadata(CONFIG)}
    write_weights(folder / OMNIPORTRAIT.name, recipe.omniportrait(recipe.base()), notes)


def write_consistentid(recipe: Recipe, folder: Path) -> None:
    """Write ConsistentID into a folder; its facial regions are told apart by a parser of the recipe's own."""
    weights = recipe.consistentid(recipe.base(), recipe.faces())
    write_weights(folder / CONSISTENTID.name, weights, {**_notes(recipe), TRAINED_AS: "corrected"})


def write_ip_adapter(recipe: Recipe, folder: Path) -> None:
    """Write IP-Adapter FaceID into a folder."""
    write_weights(folder / IP_ADAPTER.name, recipe.ip_adapter(recipe.base(), recipe.faces()), _notes(recipe))


def write_facestudio(recipe: Recipe, folder: Path) -> None:
    """Write FaceStudio, the prior and the plain IP-Adapter into a folder, and the readers who judge them."""
    styles, notes = StyleRecipe(recipe), _notes(recipe)
    write_weights(folder / FACESTUDIO.name, styles.facestudio(), {**notes, **styles.description.metadata()})
    write_weights(folder / PRIOR.name, styles.prior(), {**notes, **DESCRIPTION.metadata()})
    write_weights(folder / STYLE_ADAPTER.name, styles.style_adapter(), notes)
    write_styled_readers(folder / STYLED_READERS.name, recipe.styled_judge(), notes)


ADAPTERS: Mapping[str, Callable[[Recipe, Path], None]] = {
    "uniportrait": write_uniportrait,
    "omniportrait": write_omniportrait,
    "consistentid": write_consistentid,
    "ip-adapter faceid": write_ip_adapter,
    "facestudio": write_facestudio,
}


def _notes(recipe: Recipe) -> dict[str, str]:
    """What every file says of itself."""
    return {"licence": "Apache-2.0", "made_by": "likeness.miniature.recipe", "seed": json.dumps(recipe.settings.seed)}


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
