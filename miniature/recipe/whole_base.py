"""The whole base model from a seed: VAE, latents, UNet and text encoder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...training.base import Base
from ..networks.sizes import BaseSizes
from ..networks.untrained import new_base
from ..world import World
from .base_model import train_base
from .course import Course
from .latents import read_pool
from .vae import train_vae


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRecipe:
    """How the base model is made.

    Attributes:
        sizes: of its networks.
        seed: of the untrained weights and of the world that UNet and text encoder learn from.
        vae: training of the VAE.
        pictures: how many UNet and text encoder learn from.
        people: fewest and most in one of them.
        base: training of UNet and text encoder.
    """

    sizes: BaseSizes
    seed: int
    vae: Course
    pictures: int
    people: tuple[int, int]
    base: Course


def make_base(recipe: BaseRecipe, folder: Path) -> Base:
    """Train a base model; an interrupted call goes on where it was.

    Args:
        recipe: how.
        folder: of everything that is kept on the way.

    Raises:
        InvalidSettingError: if the folder holds what another recipe left, or a loss is no number any more.
    """
    base = new_base(recipe.sizes, seed=recipe.seed)
    train_vae(base.vae, recipe.vae, folder / "vae")
    world = World(seed=recipe.seed)
    pool = read_pool(base, world, folder / "latents", pictures=recipe.pictures, people=recipe.people)
    train_base(base, pool, recipe.base, folder / "base")
    return base
